/*
 * What `forkexec init` has in place of a C library, so that it is one small static file for glibc,
 * musl and no libc at all. There is one thread; every function may be called at any time, and those
 * that make a system call block as long as it does and return -errno on failure.
 */
#ifndef FORKEXEC_INIT_SYSTEM_H
#define FORKEXEC_INIT_SYSTEM_H

#include "../calls_linux.h"

#include <stddef.h>
#include <stdint.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

/* Of <errno.h>, <signal.h> and others, whose functions do not exist here. */
enum {
  E_NOENT = 2,
  E_INTR = 4,
  E_NOEXEC = 8,
  E_CHILD = 10,
  E_ACCES = 13,
  E_NOTDIR = 20,
};
enum {
  S_HUP = 1,
  S_INT = 2,
  S_QUIT = 3,
  S_KILL = 9,
  S_TERM = 15,
  S_CHLD = 17,
  S_CONT = 18,
  S_TSTP = 20,
  S_TTIN = 21,
  S_TTOU = 22,
  S_LAST = 64,
};

#define OUTPUT_ERROR 2

static inline uint64_t bit_of(int number) {
  return (uint64_t)1 << (number - 1);
}

/* The action of a signal as the kernel has it: all zero is the default. */
struct kernel_action {
  uint64_t handler, flags, restorer, mask;
};
#define ACTION_IGNORE 1

/* Sets which signals are blocked, and returns which were. */
uint64_t set_blocked(uint64_t set);
/* Whether a signal was ignored, which it is afterwards if `ignored` says so. */
int set_ignored(int number, int ignored);

int text_equals(const char *one, const char *other);
size_t text_length(const char *text);
/* What follows the prefix, or NULL. */
const char *text_after(const char *text, const char *prefix);
/* A number of at most nine digits, up to a byte that is none of them; -1 where there is none. */
long text_number(const char *text, const char **end);

/* Writes texts to stderr, one after the other, up to NULL. */
void say(const char *first, ...);
/* The number in decimal, in a buffer of the function's own. */
const char *decimal(long number);
_Noreturn void leave(int code);

#endif
