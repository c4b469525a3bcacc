/* A launch, from the request to the new process. */
#ifndef FORKEXEC_PROCESS_H
#define FORKEXEC_PROCESS_H

#include "fork_lock.h"
#include "program.h"
#include "reap.h"
#include "thread.h"

struct process {
  struct child child;
  struct request request;
  struct lock_wait lock; /* of the fork lock, held for the time of clone */
  int locked;            /* it was waited for, and is held */
  struct latch *waiter;  /* a thread that is blocked until the launch is over, or NULL */
  int watched;           /* one of WATCH: whether the exit is reaped here and delivered */

  struct program program;
  unsigned char *bytes; /* the program's memory; freed once it has run */
  int *close_fds;       /* closed once the program has run, whatever came of it */
  uint32_t close_count;
  struct completion launched;
};

/* A process with room for a program of `size` bytes at `bytes`, or NULL. Any thread. */
struct process *process_create(struct environment *environment, size_t size, uint32_t close_count);
/* Closes the pidfd and everything that is left to close. Any thread. */
void process_free(struct process *process);

/*
 * Takes over `process`; COMPLETION_LAUNCHED and, unless that is a failure, COMPLETION_EXITED
 * follow. The JavaScript thread; does not block. Returns 0, or errno and the process is freed.
 */
int process_launch(struct process *process);
/*
 * As above, but returns when the launch is over, with its row in `row` and without
 * COMPLETION_LAUNCHED. On the process' main thread it runs the program itself, which saves two
 * wake-ups: that thread lives as long as the process. A thread that may end sooner leaves it to the
 * spawner, as does `on_spawner`. Waits for the fork lock, which this JavaScript thread must not
 * hold itself.
 */
int process_launch_sync(struct process *process, int on_spawner, double *row);

#endif
