/*
 * A launch program: what a new process does to itself between clone and execve, as data.
 *
 * TypeScript writes it (src/launch/program.ts has the same layout), program.c checks and relocates
 * it, launch.c runs it in the child.
 */
#ifndef FORKEXEC_LAUNCH_H
#define FORKEXEC_LAUNCH_H

#include <stdint.h>

/* What to do with the result r of a call; r is -errno where the call failed. */
enum mode {
  MODE_FAIL = 0,        /* r < 0 ends the launch: this step, this errno */
  MODE_IGNORE = 1,      /* whatever r is, go on */
  MODE_STORE = 2,       /* as MODE_FAIL, and r is kept in the slot `skip` points at */
  MODE_SKIP_IF = 3,     /* r == value skips the next `skip` instructions */
  MODE_SKIP_UNLESS = 4, /* r != value does */
  MODE_TRY_NEXT = 5,    /* a candidate: on failure the next instruction is tried */
  MODE_COUNT = 6
};

/* What an argument is, two bits for each of the six. */
enum kind {
  KIND_IMMEDIATE = 0,
  KIND_ADDRESS = 1, /* in the program: an offset into the data; after relocation a pointer */
  KIND_LOAD = 2,    /* the 64-bit value in a slot of the data when the instruction runs */
  KIND_COUNT = 3
};

/* Numbers from here on are not system calls but small routines of launch.c. */
#define CALL_OWN 0x80000000u
#define CALL_CLOSE_ON_EXEC_RANGE                                                                   \
  (CALL_OWN + 0)                            /* (first, last): by way of /proc/thread-self/fd       \
                                             */
#define CALL_WAIT_FOR_PARENT (CALL_OWN + 1) /* (): until the parent wrote its files */
#define CALL_IS_IN_CGROUP (CALL_OWN + 2)    /* (): 1 if it was born in its control group */
#define CALL_OWN_END (CALL_OWN + 3)

struct instruction {
  uint32_t number;
  uint32_t mode; /* enum mode in the low 8 bits, kinds from bit 8 on */
  int32_t value; /* what MODE_SKIP_IF and MODE_SKIP_UNLESS compare with */
  uint32_t skip; /* how many they skip; or the slot of MODE_STORE */
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

/*
 * Among the clone flags: the child gets a copy of this process' memory at once, as by fork(2). Only
 * for what the kernel refuses to a process that shares memory, such as setns(2) of a time
 * namespace: the copy takes long where there is much memory.
 */
#define PROGRAM_OWN_MEMORY 1u

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

/* What the child leaves behind when it fails; it shares this memory with the thread it suspended.
 */
struct failure {
  int32_t step;  /* index of the instruction, -1 as long as nothing failed */
  int32_t error; /* positive errno */
};

struct child_start {
  const struct program *program;
  volatile struct failure *failure; /* where parent and child share their memory */
  int reset_handlers;               /* 1 where the kernel did not (CLONE_CLEAR_SIGHAND) */
  int is_thread;      /* 1 for exec in place: a failure ends this thread, not the process */
  _Atomic int32_t go; /* what the child waits for: 1 to go on, -1 to give up */
  int in_cgroup;      /* 1 if it was born in program->cgroup */
  int began;          /* set by the child: it has run */
  int failure_pipe;   /* where they don't: what is written to */
  int highest_fd;     /* the highest descriptor that may be open, where no call knows */
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
 * Where the child begins: launch_run, and then it tells what failed and ends. Never returns. Runs
 * in the child; or on the thread of exec_linux.c.
 */
void launch_child(void *start);

#endif
