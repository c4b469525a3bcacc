/* The parent's side of a launch: clone, and everything that must be as before when it returns. */
#ifndef FORKEXEC_START_H
#define FORKEXEC_START_H

#include "launch.h"
#include <signal.h>
#include <sys/resource.h>

/* A stack for children of one thread: the thread is suspended while its child uses it. */
struct launch_stack {
  unsigned char *bottom; /* NULL until the first launch; a guard page lies below */
};

struct launch_result {
  int32_t step;  /* START_…, or the index of the instruction that failed */
  int32_t error; /* positive errno */
  int32_t pid;
  int32_t pidfd;        /* close-on-exec, at least 3; -1 where the system has none */
  double inode;         /* of the pidfd, unique for this boot; 0 before Linux 6.9 */
  double max_rss_floor; /* KiB: the parent's own peak, with which the child's figure began */
  double started;       /* before the birth, CLOCK_MONOTONIC in microseconds */
  uint32_t skipped_count;
  struct failure skipped[PROGRAM_MOST_DEGRADING]; /* what failed and was left out */
};

/* How many of the units of ru_maxrss a KiB has: it counts bytes on macOS, KiB elsewhere. */
#ifdef __APPLE__
#define MAX_RSS_UNIT 1024
#else
#define MAX_RSS_UNIT 1
#endif

/*
 * Whether a child of vfork has this process' memory and suspends its parent. Not on systems without
 * a vfork that may do more than execve, nor in QEMU's user mode and valgrind, which make it a fork.
 * Any thread, without what launch_hold_stdio holds; blocks for the time of a vfork, once.
 */
int vfork_shares_memory(void);

/*
 * Which of descriptors 0 to 2 are open, as bits, but for a pidfd that a launch has at such a number
 * for a moment. Any thread; waits for that launch where one of them is closed, which is rare.
 */
int launch_open_stdio(void);
/* Around the moment in which a launch has something at such a number. Any thread; as above. */
int launch_hold_stdio(void);
void launch_release_stdio(int held);

/* CLOCK_MONOTONIC in microseconds. Any thread; does not block; async-signal-safe. */
double monotonic_microseconds(void);

/* Around what may clear the dumpable flag of this process. Any thread; holds a lock for
   microseconds. */
void dumpable_keep(void);
void dumpable_restore(void);

/*
 * Starts a process that runs `program`, and returns when its execve succeeded or it failed; after a
 * failure the process is gone and reaped. Any thread, which is suspended meanwhile and becomes the
 * parent that PR_SET_PDEATHSIG and ptrace mean. Leaves the mask, the dispositions and the dumpable
 * flag of the caller as they were.
 */
void launch_start(struct launch_stack *stack, const struct program *program,
                  struct launch_result *result);

#endif
