#define _GNU_SOURCE
#include "start.h"
#include "calls_linux.h"
#include "spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STACK_SIZE (64u << 10)
#define SIGNAL_SET_SIZE 8
#define PIDFS_MAGIC 0x50494446
#define WAIT_PIDFD 3 /* P_PIDFD, missing in the headers of older systems */

double monotonic_microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* Whether there is a stack now. Any thread; does not block. */
static int prepare_stack(struct launch_stack *stack) {
  if (stack->bottom != NULL)
    return 1;
  size_t guard = (size_t)sysconf(_SC_PAGESIZE);
  unsigned char *memory = mmap(NULL, guard + STACK_SIZE, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED)
    return 0;
  /* Without the guard an overflow would write into whatever the parent keeps below. */
  mprotect(memory, guard, PROT_NONE);
  stack->bottom = memory + guard;
  return 1;
}

/*
 * Whether clone3 can be had, with CLONE_CLEAR_SIGHAND. The flags below can't succeed: a kernel that
 * knows them all gets as far as the cgroup's descriptor and says EBADF, whatever else is in the way
 * (an older kernel, a container's seccomp filter) says something else. Any thread.
 */
static int has_clone3(void) {
  static atomic_int known;
  int answer = atomic_load_explicit(&known, memory_order_relaxed);
  if (answer == 0) {
    struct kernel_clone_args arguments = {
        .flags = CLONE_FLAG_CLEAR_SIGHAND | CLONE_FLAG_INTO_CGROUP,
        .exit_signal = SIGCHLD,
        .cgroup = 0x7fffffff,
    };
    answer = CALL(SYS_clone3, (long)&arguments, sizeof arguments) == -EBADF ? 1 : 2;
    atomic_store_explicit(&known, answer, memory_order_relaxed);
  }
  return answer == 1;
}

/* The new process' pid, or -errno. The calling thread is suspended until execve or exit. */
static long clone_child(struct launch_stack *stack, struct child_start *start, int *pidfd) {
  uint64_t flags = CLONE_FLAG_VM | CLONE_FLAG_VFORK | CLONE_FLAG_PIDFD;
  if (has_clone3()) {
    struct kernel_clone_args arguments = {
        .flags = flags | CLONE_FLAG_CLEAR_SIGHAND,
        .pidfd = (uint64_t)(uintptr_t)pidfd,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)(uintptr_t)stack->bottom,
        .stack_size = STACK_SIZE,
    };
    start->reset_handlers = 0;
    const long a[6] = {(long)&arguments, sizeof arguments};
    return call_clone(SYS_clone3, a, launch_child, start);
  }
  start->reset_handlers = 1;
  const long a[6] = {(long)(flags | SIGCHLD), (long)(stack->bottom + STACK_SIZE), (long)pidfd};
  return call_clone(SYS_clone, a, launch_child, start);
}

/* Reaps a child that failed; it is past its last instruction, so this waits for microseconds. */
static void reap_failed(long pid, int pidfd) {
  siginfo_t info;
  long result;
  do {
    result = pidfd < 0 ? CALL(SYS_wait4, pid, 0, 0, 0)
                       : CALL(SYS_waitid, WAIT_PIDFD, pidfd, (long)&info, WEXITED, 0);
  } while (result == -EINTR);
}

/* The inode of a pidfd where that says anything (Linux 6.9 on), else 0. Any thread. */
static double pidfd_inode(int pidfd) {
  static atomic_int known;
  int answer = atomic_load_explicit(&known, memory_order_relaxed);
  if (answer == 0) {
    struct statfs fs;
    answer = fstatfs(pidfd, &fs) == 0 && fs.f_type == PIDFS_MAGIC ? 1 : 2;
    atomic_store_explicit(&known, answer, memory_order_relaxed);
  }
  struct stat status;
  return answer == 1 && fstat(pidfd, &status) == 0 ? (double)status.st_ino : 0;
}

void launch_start(struct launch_stack *stack, const struct program *program,
                  struct launch_result *result) {
  struct failure failure = {LAUNCHED, 0};
  struct child_start start = {program, &failure, 0, 0};
  int pidfd = -1;
  *result = (struct launch_result){.step = START_CLONE, .error = ENOMEM, .pidfd = -1};
  if (!prepare_stack(stack))
    return;

  /* The child must never run a handler of ours. Raw, since libc keeps two signals unblocked. */
  uint64_t all = ~(uint64_t)0, before = 0;
  CALL(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, (long)&before, SIGNAL_SET_SIZE);
  /* set*id in the child clears the dumpable flag of the memory it shares with us. */
  long dumpable = CALL(SYS_prctl, PR_GET_DUMPABLE);
  long pid = clone_child(stack, &start, &pidfd);
  if (CALL(SYS_prctl, PR_GET_DUMPABLE) != dumpable)
    CALL(SYS_prctl, PR_SET_DUMPABLE, dumpable);
  CALL(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before, 0, SIGNAL_SET_SIZE);

  if (pid < 0) {
    result->error = (int32_t)-pid;
    return;
  }
  if (failure.step == LAUNCHED && pidfd < 0) {
    /* A kernel before 5.2 ignores CLONE_PIDFD: nothing here could watch the process. */
    CALL(SYS_kill, pid, SIGKILL);
    failure = (struct failure){START_CLONE, ENOSYS};
  }
  if (failure.step != LAUNCHED) {
    reap_failed(pid, pidfd);
    if (pidfd >= 0)
      close(pidfd);
    result->step = failure.step;
    result->error = failure.error;
    return;
  }
  struct rusage self = {0};
  getrusage(RUSAGE_SELF, &self);
  result->step = LAUNCHED;
  result->error = 0;
  result->pid = (int32_t)pid;
  result->pidfd = fd_above_stdio(pidfd);
  result->inode = pidfd_inode(result->pidfd);
  result->max_rss_floor = (double)self.ru_maxrss;
  result->started = monotonic_microseconds();
}
