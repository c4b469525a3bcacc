/*
 * The spawner: one thread, started with the first launch and as long-lived as the process.
 *
 * It is the parent of every child, since PR_SET_PDEATHSIG and ptrace mean the *thread* that
 * launched, and a thread of a Worker or a pool ends. It runs what it is asked for, one request
 * after another, and watches descriptors. It knows nothing of processes (process.c), of streams
 * (channel.c) or of Node-API (addon.c).
 */
#ifndef FORKEXEC_SPAWNER_H
#define FORKEXEC_SPAWNER_H

#include "events.h"
#include <stdint.h>

/* Something to do on the spawner's thread. Part of what it is about, so nothing is allocated. */
struct request {
  struct request *next;
  void (*run)(struct request *);
};

/* A descriptor that the spawner watches: events.h, once it has been started. */
struct watch {
  void (*ready)(struct watch *, uint32_t events); /* on the spawner's thread */
};

/* The functions below: any thread, none blocks. They return 0 or a positive errno. */

/* Starts the thread if it does not run yet. */
int spawner_start(void);
/*
 * Runs the request on the spawner's thread, after every event that was reported before: a request
 * may free what a watch that was removed belonged to. The spawner has been started.
 */
void spawner_request(struct request *request);
/* The same descriptor at 3 or above, where nobody takes it for stdio; a negative one is returned.
 */
int fd_above_stdio(int fd);
/* A pipe, both ends close-on-exec and at 3 or above. */
int pipe_above_stdio(int fds[2]);

#endif
