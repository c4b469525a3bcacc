/* A launch, from the request to the new process. */
#ifndef FORKEXEC_PROCESS_H
#define FORKEXEC_PROCESS_H

#include "flight.h"
#include "fork_lock.h"
#include "launchers.h"
#include "program.h"
#include "reap.h"

struct process {
  struct child child;
  struct request request;
  struct lock_wait lock;    /* of the fork lock, held for the time of clone */
  int locked;               /* it is held */
  enum launchers launchers; /* whose threads launch it */
  struct flight flight;
  int watched; /* one of WATCH: whether the exit is reaped here and delivered */

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
 * follow. `traced`: it obeys the tracer (launchers.h). The JavaScript thread; does not block.
 * Returns 0, or errno and the process is freed.
 */
int process_launch(struct process *process, int traced);
/*
 * As above, but on the calling thread, and returns when the launch is over, with its row in `row`
 * and without COMPLETION_LAUNCHED: that saves two wake-ups. The process' first thread only, which
 * lives as long as the process; it waits for the fork lock, which it must not hold itself, and
 * suspends itself until the child's execve.
 */
int process_launch_here(struct process *process, double *row);
/* Whether process_launch_here may launch it. Any thread. */
int process_may_launch_here(const struct process *process);
/*
 * Waits for COMPLETION_LAUNCHED of the launch `token`, so many milliseconds at the most. Returns
 * whether it came; then its row is in `row`. The JavaScript thread.
 */
int process_await(struct environment *environment, double token, int milliseconds, double *row);
/*
 * Gives up the launch `token` with this errno: COMPLETION_LAUNCHED follows, once its child, which
 * is killed, is gone. Returns the step where the child is; START_CLONE if there is none yet;
 * START_LAUNCHED if the launch is over. The JavaScript thread; does not block.
 */
int32_t process_cancel(struct environment *environment, double token, int error);

#endif
