#include "signal_order.h"

#include <pthread.h>
#include <unistd.h>

/*
 * No call here sends a signal to one thread and something along with it, so nothing is confined:
 * real-time signals may overtake one another, and what is blocked is blocked for one thread.
 */

int order_applies(int number) {
  (void)number;
  return 0;
}

void order_confine(uint64_t set) {
  (void)set;
}

int order_first_blocks(int number) {
  (void)number;
  return 0;
}

void order_first_changed(uint64_t set, int block) {
  (void)set;
  (void)block;
}

int order_handle(int number, const siginfo_t *info, void *context) {
  (void)number;
  (void)info;
  (void)context;
  return 0;
}

uint64_t order_blocked_here(void) {
  return 0;
}

/* The sender is lost: no call sends a signal in the name of another process. */
void order_send_again(int number, siginfo_t *info) {
#if !defined(__APPLE__) && !defined(__OpenBSD__)
  if (info->si_code == SI_QUEUE && sigqueue(getpid(), number, info->si_value) == 0)
    return;
#else
  (void)info;
#endif
  pthread_kill(pthread_self(), number);
}
