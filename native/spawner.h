/*
 * The spawner: one thread, started with the first launch, that lives as long as the process.
 *
 * It is the parent of every child, since PR_SET_PDEATHSIG and ptrace mean the *thread* that
 * launched, and a thread of a Worker or a pool ends. It carries out requests, one after another,
 * and watches descriptors (events.h). It knows nothing of processes, streams, JavaScript threads or
 * Node-API.
 */
#ifndef FORKEXEC_SPAWNER_H
#define FORKEXEC_SPAWNER_H

#include "queue.h"

/* The functions: any thread; none blocks. */

/* Starts the thread if it does not run yet. Returns 0 or a positive errno. */
int spawner_start(void);
/*
 * Carries out the request on the spawner's thread, after every event that was reported before: a
 * request may free the owner of a watch that was removed. The spawner has been started.
 */
void spawner_request(struct request *request);
/*
 * Has `turn_ended` called on the spawner's thread after events and requests: after each turn, or
 * while launches wait, after some. Before the spawner is started.
 */
void spawner_after_turns(void (*turn_ended)(void));

#endif
