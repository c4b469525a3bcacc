/*
 * The launching threads: the parents of all children.
 *
 * vfork holds the thread that launches until the child's execve, so there are several: as many as
 * launches are under way, up to the number of processors that this process may use. A thread whose
 * launch takes long is not counted: another one takes its place, so that a launch that is stuck
 * holds up no other. Each thread lives as long as the process, since PR_SET_PDEATHSIG and ptrace
 * mean the *thread* that launched. The watcher starts them all, so they have in common what a
 * thread inherits: nice value, signal mask, affinity, credentials, namespaces.
 */
#ifndef FORKEXEC_LAUNCHERS_H
#define FORKEXEC_LAUNCHERS_H

#include "queue.h"

enum launchers {
  LAUNCHERS_ANY,
  /* One thread, which traces: ptrace(2) obeys only the thread that launched. */
  LAUNCHERS_TRACER,
  /* Their children are born in a pid namespace that the thread joined: what it joined stays with a
     thread that may not join its own again, so these do nothing else. */
  LAUNCHERS_JOINERS,
  LAUNCHERS_COUNT
};

/* Any thread; none blocks. */

/* Runs the request on one of the threads, which may block. The watcher has been started. */
void launchers_request(enum launchers which, struct request *request);
/* Takes back a request that no thread has begun; whether there was one. */
int launchers_cancel(enum launchers which, const struct request *request);
/* How many threads there may be of each kind but the tracer, instead of one for each processor. */
void launchers_limit(int most);

/*
 * Starts threads that are missing. The watcher's thread only; returns in how many milliseconds it
 * is to be called again, -1 for no such time.
 */
int launchers_look(void);

#endif
