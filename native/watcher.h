/*
 * The watcher: one thread, started with the first use, that lives as long as the process.
 *
 * It watches descriptors (events.h), reaps children, delivers what became of them and of signals,
 * and starts the launching threads (launchers.h). It never launches, and nothing that it does
 * blocks: a launch that takes long holds up no other work. It knows nothing of processes, streams,
 * JavaScript threads or Node-API.
 */
#ifndef FORKEXEC_WATCHER_H
#define FORKEXEC_WATCHER_H

#include "queue.h"

/* The functions: any thread; none blocks. */

/* Starts the thread if it does not run yet. Returns 0 or a positive errno. */
int watcher_start(void);
/*
 * Carries out the request on the watcher's thread, after every event that was reported before: a
 * request may free the owner of a watch that was removed. The watcher has been started.
 */
void watcher_request(struct request *request);
/* The same for what can wait until the thread wakes up for something else. */
void watcher_request_later(struct request *request);
/* Has it go through a turn now. The watcher has been started. Async-signal-safe. */
void watcher_wake(void);
/* The descriptor that is written to for that, as wakeup.h has it; a child may write to its copy. */
int watcher_wakeup_fd(void);
/*
 * What is called on the watcher's thread in each turn, after events and requests. It returns in how
 * many milliseconds it is to be called again if nothing happens; -1 for no such time. Before the
 * watcher is started.
 */
void watcher_each_turn(int (*turn)(void));

#endif
