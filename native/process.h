/* A process, from the request to launch it to its exit. */
#ifndef FORKEXEC_PROCESS_H
#define FORKEXEC_PROCESS_H

#include "environment.h"
#include "fork_lock.h"
#include "program.h"
#include "spawner.h"
#include "start.h"
#include "waiter.h"
#include <sys/resource.h>

struct launch_waiter;

struct process {
  struct request request;
  struct lock_wait lock; /* of the fork lock, held for the time of clone */
  int locked;            /* it was waited for, and is held */
  struct environment *environment;
  struct launch_waiter *waiter; /* a thread that is blocked until the launch is over, or NULL */
  double token;                 /* what JavaScript knows it by */
  int watched;                  /* whether the exit is reaped here and delivered */

  struct program program;
  unsigned char *bytes; /* the program's memory; freed once it has run */
  int *close_fds;       /* closed once the program has run, whatever came of it */
  uint32_t close_count;

  struct launch_result result;
  struct completion launched;

  /* Its end; from here on only reap.c writes. */
  struct watch watch;     /* of the pidfd */
  struct child_wait wait; /* without one */
  struct request end;     /* to the spawner: it has ended */
  struct process *previous, *next;
  int listed, pins, pinned_unreaped, ended, reaped;
  int released; /* JavaScript was told of the end */
  int code;     /* CLD_EXITED, CLD_KILLED, CLD_DUMPED; 0: somebody else reaped it, status unknown */
  int status;   /* exit code or signal */
  double wall_time; /* microseconds */
  struct rusage usage;
  struct completion exited;
};

/*
 * A process with room for a program of `size` bytes at `bytes`, or NULL. Any thread.
 */
struct process *process_create(struct environment *environment, size_t size, uint32_t close_count);
/* Closes the pidfd and everything that is left to close. Any thread. */
void process_free(struct process *process);

/*
 * Takes over `process`; COMPLETION_LAUNCHED and, unless that is a failure, COMPLETION_EXITED
 * follow. The JavaScript thread; does not block. Returns 0, or errno and the process is freed.
 */
int process_launch(struct process *process);
/*
 * As above, but returns when the launch is over and delivers no COMPLETION_LAUNCHED. On the
 * process' main thread it runs the program itself, which saves two wake-ups: that thread lives as
 * long as the process. A thread that may end sooner leaves it to the spawner, as does `on_spawner`.
 * Waits for the fork lock, which this JavaScript thread must not hold itself.
 */
int process_launch_sync(struct process *process, int on_spawner);

#endif
