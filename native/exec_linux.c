#define _GNU_SOURCE
#include "exec.h"
#include "calls_linux.h"
#include "probe.h"
#include "restore_linux.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#define STACK_SIZE (64u << 10)
#define SIGNAL_COUNT 64
#define SIGNAL_SET_SIZE 8

/* As rt_sigaction(2) takes it. */
struct kernel_sigaction {
  uint64_t handler, flags, restorer, mask;
};

static void save_dispositions(struct kernel_sigaction *saved) {
  for (long number = 1; number <= SIGNAL_COUNT; number++)
    CALL(SYS_rt_sigaction, number, 0, (long)&saved[number - 1], SIGNAL_SET_SIZE);
}

static void restore_dispositions(const struct kernel_sigaction *saved) {
  for (long number = 1; number <= SIGNAL_COUNT; number++)
    CALL(SYS_rt_sigaction, number, (long)&saved[number - 1], 0, SIGNAL_SET_SIZE);
}

/* What no thread of an emulator may do without: such a thread takes copies before it begins. */
#define SHARED_FILES (CLONE_FS | CLONE_FILES)

/* Where such a thread begins. */
static void unshare_files(void *argument) {
  struct child_start *start = argument;
  long result = CALL(SYS_unshare, SHARED_FILES);
  if (result == 0)
    launch_child(start);
  start->report->failure = (struct failure){START_CLONE, (int32_t)-result};
  for (;;)
    CALL(SYS_exit, 0);
}

/* Starts the thread. It has no descriptor table, directory and umask in common with us, and no
   thread-local storage of its own: it borrows that of the caller, which sleeps. */
static long start_thread(struct child_start *start, unsigned char *stack, atomic_int *ended) {
  int apart = !vfork_shares_memory();
  long flags = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_CHILD_CLEARTID |
               (apart ? SHARED_FILES : 0);
  long a[6] = {flags, (long)(stack + STACK_SIZE)};
  a[CLONE_CHILD_TID_ARGUMENT] = (long)ended;
  return call_clone(SYS_clone, a, apart ? unshare_files : launch_child, start);
}

struct failure exec_in_place(const struct program *program) {
  struct kernel_sigaction dispositions[SIGNAL_COUNT];
  struct report report = {.failure.step = START_LAUNCHED};
  struct child_start start = {.program = program,
                              .report = &report,
                              .reset_handlers = 1,
                              .is_thread = 1,
                              .failure_pipe = -1};
  unsigned char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED)
    return (struct failure){START_CLONE, ENOMEM};
  uint64_t all = ~(uint64_t)0, before = 0;
  memset(dispositions, 0, sizeof dispositions);
  save_dispositions(dispositions);
  dumpable_keep();
  CALL(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, (long)&before, SIGNAL_SET_SIZE);
  atomic_int running = 1; /* the kernel clears it when the thread has ended */
  long thread = start_thread(&start, stack, &running);
  if (thread < 0) {
    report.failure = (struct failure){START_CLONE, (int32_t)-thread};
  } else {
    while (atomic_load(&running) != 0)
      CALL(SYS_futex, (long)&running, FUTEX_WAIT, 1);
    restore_dispositions(dispositions);
  }
  dumpable_restore();
  CALL(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before, 0, SIGNAL_SET_SIZE);
  munmap(stack, STACK_SIZE);
  return report.failure;
}
