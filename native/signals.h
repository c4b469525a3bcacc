/*
 * Signals of this process, with their siginfo, for JavaScript.
 *
 * The handler does nothing but put what it was told into a ring, and wake the spawner, which hands
 * it to whoever asked. A handler that was there before (the runtime's own) is called as well.
 */
#ifndef FORKEXEC_SIGNALS_H
#define FORKEXEC_SIGNALS_H

#include "environment.h"
#include <stdint.h>

#define SIGNAL_LAST 64

/* What a handler was told: sigaction(2). */
struct signal_info {
  int32_t number, code, pid, status;
  uint32_t uid;
  int64_t value;
};

/* One signal on its way to one JavaScript thread. */
struct signal_delivery {
  struct completion completion;
  double token;
  struct signal_info info;
  uint32_t dropped; /* of this number, since the last one, because the ring was full */
};

/* What is done on a signal now. */
enum signal_action { SIGNAL_DEFAULT, SIGNAL_IGNORED, SIGNAL_OTHER_HANDLER, SIGNAL_OURS };

/* The functions below: any JavaScript thread; they take a lock for microseconds. Results are 0 or a
   positive errno unless something else is said. */

/* COMPLETION_SIGNAL follows for each signal of this number, until signals_unwatch. */
int signals_watch(struct environment *environment, double token, int number);
/* Puts back what was there before the first watch, unless others still watch it. */
int signals_unwatch(struct environment *environment, int number);
/* Puts our handler on top again where somebody replaced it, and theirs below. */
int signals_rewatch(int number);
/* The environment closes. */
void signals_forget(struct environment *environment);
/* Sets SIG_DFL or SIG_IGN; what a watched signal goes back to, if it is watched. */
int signals_set_action(int number, enum signal_action action);
/* enum signal_action, or -errno. */
int signals_get_action(int number);
/* Waits until every signal that a handler has taken is among its environment's completions. */
void signals_flush(void);

#endif
