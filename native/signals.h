/*
 * Signals of this process, with their siginfo, for JavaScript.
 *
 * The handler (signal_entry.h) puts the siginfo into a ring (signal_ring.h) and wakes the watcher,
 * which delivers it to the environments that watch the signal. A handler that was there before is
 * called as well, if it listens; what the runtime does in place of the kernel's default is
 * replaced, as the default is.
 */
#ifndef FORKEXEC_SIGNALS_H
#define FORKEXEC_SIGNALS_H

#include "environment.h"

#include <stdint.h>

/* The functions below: any JavaScript thread; they take a lock for microseconds. Results are 0 or a
   positive errno. */

/* COMPLETION_SIGNAL follows for each signal of this number, until signals_unwatch. Once for each
   number and token; a real-time one waits for other threads: signal_order.h. */
int signals_watch(struct environment *environment, double token, int number);
/* Puts back the action before the first watch, unless it is still watched. All signals that came
   until then are among the environment's completions when it returns. */
int signals_unwatch(struct environment *environment, double token, int number);
/* All signals that came until now are among the environments' completions when it returns. */
void signals_flush(void);
/* Makes all threads but the process' first block what that one is about to block, except for
   signals of faults and SIGCHLD. Waits for them, 1 s at most. */
int signals_confine(uint64_t set);
/* The environment closes. */
void signals_forget(struct environment *environment);

#endif
