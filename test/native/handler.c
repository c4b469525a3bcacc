/*
 * A signal that comes while native/signal_handler.c takes its handler away goes to what is there
 * afterwards. sigaction is wrapped: the signal is sent right before the real one is called.
 */
#define _GNU_SOURCE
#include "signal_handler.h"
#include "signal_order.h"
#include "signal_ring.h"

#include <assert.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int __real_sigaction(int number, const struct sigaction *action, struct sigaction *before);
int __wrap_sigaction(int number, const struct sigaction *action, struct sigaction *before);

static atomic_int below, taken, armed;

static void count_below(int number, siginfo_t *info, void *context) {
  (void)number;
  (void)info;
  (void)context;
  atomic_fetch_add(&below, 1);
}

int __wrap_sigaction(int number, const struct sigaction *action, struct sigaction *before) {
  if (action != NULL && atomic_exchange(&armed, 0))
    kill(getpid(), number);
  return __real_sigaction(number, action, before);
}

/* What the handler calls; the addon has others. */
void ring_put(const struct signal_info *info) {
  (void)info;
  atomic_fetch_add(&taken, 1);
}

int order_handle(int number, const siginfo_t *info, void *context) {
  (void)number;
  (void)info;
  (void)context;
  return 0;
}

void order_send_again(int number, siginfo_t *info) {
  syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), number, info);
}

int main(void) {
  alarm(20); /* a signal that goes round and round would never end */
  struct sigaction before;
  memset(&before, 0, sizeof before);
  before.sa_sigaction = count_below;
  before.sa_flags = SA_SIGINFO;
  assert(sigaction(SIGUSR1, &before, NULL) == 0);

  assert(handler_add(SIGUSR1) == 0);
  kill(getpid(), SIGUSR1);
  assert(taken == 1 && below == 1);
  atomic_store(&armed, 1);
  assert(handler_remove(SIGUSR1) == 0);
  assert(armed == 0 && taken == 1 && below == 2);

  sigset_t mask;
  assert(pthread_sigmask(SIG_SETMASK, NULL, &mask) == 0 && !sigismember(&mask, SIGUSR1));
  puts("ok");
  return 0;
}
