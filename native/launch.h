/*
 * A launch program: what a new process does to itself between clone and execve, as data.
 *
 * TypeScript writes it (src/launch/program.ts), program.c checks and relocates
 * it, launch.c runs it in the child.
 */
#ifndef FORKEXEC_LAUNCH_H
#define FORKEXEC_LAUNCH_H

#include "protocol.h"
#include <stdint.h>

struct instruction {
  uint32_t number;
  uint32_t mode; /* MODE_… in the low 8 bits, KIND_… from bit 8 on */
  int32_t value; /* what MODE_SKIP_IF compares with */
  uint32_t skip; /* how many instructions it and MODE_DEGRADE skip; or the slot of MODE_STORE */
  uint64_t arguments[6];
};

#define INSTRUCTION_MODE(instruction) ((instruction)->mode & 0xffu)
#define INSTRUCTION_KIND(instruction, i) (((instruction)->mode >> (8 + 2 * (i))) & 3u)

/* A file below /proc/PID that only the parent may write, while the child waits: uid_map, gid_map.
 */
struct parent_file {
  const char *name;
  const unsigned char *content;
  uint32_t size;
  uint32_t step; /* the instruction that a failure is blamed on */
};

#define MAX_PARENT_FILES 8

/* A program ready to run. All pointers lead into one allocation that outlives the launch. */
struct program {
  struct instruction *instructions;
  uint32_t count;
  unsigned char *data;
  uint32_t clone_flags;  /* CLONE_NEW*, and PROGRAM_OWN_MEMORY */
  int32_t cgroup;        /* a directory to be born in, or -1 */
  int32_t pid_namespace; /* a descriptor of the one to be born in, or -1 */
  uint32_t parent_file_count;
  struct parent_file parent_files[MAX_PARENT_FILES];
};

struct failure {
  int32_t step;  /* index of the instruction, START_LAUNCHED as long as nothing failed */
  int32_t error; /* positive errno */
};

/* What a child reports, in memory that it shares with its parent. */
struct report {
  struct failure failure; /* what ended the launch */
  int32_t at;             /* the instruction that the child is at */
  uint32_t skipped_count;
  struct failure skipped[PROGRAM_MOST_DEGRADING]; /* what did not */
  int began;                                      /* set by the child: it has run */
  _Atomic int32_t waits;                          /* set by the child: it waits for `go` */
  _Atomic int32_t go;                             /* 1 to go on, -1 to give up */
  struct failure of_parent;                       /* why it was to give up */
};

/* What the parent knows of a launch that is over. */
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

struct child_start {
  const struct program *program;
  struct report *report;
  int reset_handlers; /* 1 where the kernel did not (CLONE_CLEAR_SIGHAND) */
  int is_thread;      /* 1 for exec in place: a failure ends this thread, not the process */
  int in_cgroup;      /* 1 if it was born in program->cgroup */
  int failure_pipe;   /* where the parent reads that it failed; -1 if vfork says it */
  int wakeup_fd;      /* what the child writes to when it waits for its parent */
  int highest_fd;     /* the highest descriptor that may be open, where no call knows */
#ifdef FORKEXEC_FAILPOINTS
  int fail_step, fail_error; /* 0: none fails */
#endif
};

/*
 * Runs the program to its execve, and returns only when a step failed. Falling off its end means
 * that no candidate could be executed: the error is then the first that says more than "not here",
 * as POSIX has it for execvp(3).
 *
 * Runs in the child, with all signals blocked. Async-signal-safe: allocates nothing, locks nothing.
 */
struct failure launch_run(struct child_start *start);

/*
 * The beginning of the child: launch_run; after a failure, a report and the end. Never returns.
 * Runs in the child; or on the thread of exec_linux.c.
 */
void launch_child(void *start);

#endif
