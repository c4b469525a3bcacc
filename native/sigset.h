/* Sets of signals as JavaScript and launch programs have them: bit n-1 for signal n, up to 64. */
#ifndef FORKEXEC_SIGSET_H
#define FORKEXEC_SIGSET_H

#include <signal.h>
#include <stdint.h>

/* Both: any thread; async-signal-safe. What the system has no signal for is left out. */

static inline uint64_t word_of_set(const sigset_t *set) {
  uint64_t word = 0;
  for (int number = 1; number <= 64; number++)
    word |= (uint64_t)(sigismember(set, number) == 1) << (number - 1);
  return word;
}

static inline void set_of_word(uint64_t word, sigset_t *set) {
  sigemptyset(set);
  for (int number = 1; number <= 64; number++) {
    if ((word >> (number - 1)) & 1)
      sigaddset(set, number);
  }
}

#endif
