/*
 * Signals of this process, with their siginfo, for JavaScript.
 *
 * The handler (signal_handler.h) does nothing but put what it was told into a ring (signal_ring.h),
 * and wake the spawner, which hands it to whoever asked. A handler that was there before is called
 * as well, if it is one that listens; what the runtime does in place of the kernel's default is
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
/* Puts back what was there before the first watch, unless others still watch it. All that came
   until then is among the environment's completions when it returns. */
int signals_unwatch(struct environment *environment, double token, int number);
/* All that came until now is among the environments' completions when it returns. */
void signals_flush(void);
/* Makes all threads but the process' first block what that one is about to block: whatever a
   process can do without. Waits for them, 1 s at most. */
int signals_confine(uint64_t set);
/* The environment closes. */
void signals_forget(struct environment *environment);

#endif
