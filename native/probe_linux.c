#define _GNU_SOURCE
#include "probe.h"
#include "failpoint.h"
#include "above_stdio.h"
#include "calls_linux.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>

/* pidfd_info of <linux/pidfd.h> as Linux 6.15 has it, and the ioctl that fills it in. */
struct exit_info {
  uint64_t mask, cgroup;
  uint32_t ids[11];
  int32_t exit_code;
  uint32_t coredump[2];
};
#define EXIT_INFO_MASK 8u /* PIDFD_INFO_EXIT */
#define EXIT_INFO_REQUEST _IOWR(0xFF, 11, struct exit_info)

#define PIDFS_MAGIC 0x50494446
#define WAIT_PIDFD 3        /* P_PIDFD, missing in the headers of older systems */
#define WAIT_ALL 0x40000000 /* __WALL: whatever signal a child's end sends */
#define PROBE_STACK_SIZE 4096

/*
 * What a probe found, once and for all. A refusal is remembered, and so is success; a shortage of
 * memory or descriptors says nothing, and is not.
 */
enum known { UNKNOWN, PRESENT, REFUSED };

/* EPERM and EINVAL are what filters and kernels say that do not know a call or a flag. */
static int is_refusal(long result) {
  return result == -ENOSYS || result == -EPERM || result == -EACCES || result == -EINVAL ||
         result == -E2BIG;
}

/* Remembers what a probe says that can't succeed. */
static int learn(atomic_int *known, long result) {
  int answer = is_refusal(result) ? REFUSED : PRESENT;
  atomic_store_explicit(known, answer, memory_order_relaxed);
  return answer;
}

/*
 * Whether clone3 can be had, with CLONE_CLEAR_SIGHAND. The flags below can't succeed: a kernel that
 * knows them all gets as far as the cgroup's descriptor and says EBADF, or before that what it is
 * short of; whatever else is in the way (an older kernel, a container's seccomp filter) refuses.
 */
int launch_has_clone3(void) {
  static atomic_int known;
  int answer = atomic_load_explicit(&known, memory_order_relaxed);
  if (answer == UNKNOWN) {
    struct kernel_clone_args arguments = {
        .flags = CLONE_FLAG_CLEAR_SIGHAND | CLONE_FLAG_INTO_CGROUP,
        .exit_signal = SIGCHLD,
        .cgroup = 0x7fffffff,
    };
    long result = CALL(SYS_clone3, (long)&arguments, sizeof arguments);
    if (result == 0)
      CALL(SYS_exit_group, 0); /* a kernel without cgroups did it after all: this is the child */
    if (result > 0)
      CALL(SYS_wait4, result, 0, 0, 0);
    answer = learn(&known, result > 0 ? -ENOSYS : result);
  }
  return answer == PRESENT;
}

/* The child of a probe. It has the stack of give_birth. */
static void say_born(void *born) {
  *(volatile int *)born = 1;
  for (;;)
    CALL(SYS_exit_group, 0);
}

/*
 * vfork, and `flags`. Returns -errno, or whether the parent saw what the child wrote, as soon as it
 * went on. No signal of the parent is handled meanwhile.
 */
static long give_birth(long flags) {
  _Alignas(16) unsigned char stack[PROBE_STACK_SIZE];
  volatile int born = 0;
  int pidfd = -1, low = stdio_hold();
  uint64_t all = ~(uint64_t)0, before = 0;
  long a[6] = {CLONE_VM | CLONE_VFORK | flags, (long)(stack + sizeof stack), (long)&pidfd};
  CALL(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, (long)&before, sizeof all);
  long pid = call_clone(SYS_clone, a, say_born, (void *)&born);
  long result = pid < 0 ? pid : born;
  if (pid > 0)
    CALL(SYS_wait4, pid, 0, WAIT_ALL, 0);
  if (pidfd >= 0)
    CALL(SYS_close, pidfd);
  CALL(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before, 0, sizeof all);
  stdio_release(low);
  return result;
}

static atomic_int known_sharing, known_clone_pidfd;

/*
 * Learns both from real births, since clone refuses every combination that can't succeed with the
 * same EINVAL. The end of these children sends no SIGCHLD, which other code may handle; QEMU's
 * user mode refuses a child without one.
 */
static void learn_births(void) {
  const long attempts[] = {CLONE_FLAG_PIDFD, CLONE_FLAG_PIDFD | SIGCHLD, SIGCHLD};
  for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
    long result = give_birth(attempts[i]);
    if (result < 0 && is_refusal(result))
      continue;
    if (result >= 0) {
      int sharing = result ? PRESENT : REFUSED;
      int pidfd = (attempts[i] & (long)CLONE_FLAG_PIDFD) != 0 ? PRESENT : REFUSED;
      atomic_store_explicit(&known_clone_pidfd, pidfd, memory_order_relaxed);
      atomic_store_explicit(&known_sharing, sharing, memory_order_relaxed);
    }
    return;
  }
}

int vfork_shares_memory(void) {
  if (atomic_load_explicit(&known_sharing, memory_order_relaxed) == UNKNOWN)
    learn_births();
  /* A birth that failed for want of memory or processes says nothing: the next launch asks again.
   */
  return atomic_load_explicit(&known_sharing, memory_order_relaxed) != REFUSED;
}

int can_clone_pidfd(void) {
  return atomic_load_explicit(&known_clone_pidfd, memory_order_relaxed) != REFUSED;
}

int open_pidfd(long pid) {
  static atomic_int known;
  if (atomic_load_explicit(&known, memory_order_relaxed) == REFUSED)
    return -1; /* not -EPERM, which is a refusal */
  long fd = failpoint(FAILPOINT_PIDFD_OPEN);
  if (fd == 0)
    fd = CALL(SYS_pidfd_open, pid, 0);
  if (fd < 0 && learn(&known, fd) == REFUSED)
    return -1;
  return (int)fd;
}

long wait_for_child(int pid, int pidfd, siginfo_t *info, int options, struct rusage *usage) {
  static atomic_int known; /* whether waitid takes a pidfd: Linux 5.4 */
  long result = -ENOSYS;
  if (pidfd >= 0 && atomic_load_explicit(&known, memory_order_relaxed) != REFUSED) {
    do {
      result = CALL(SYS_waitid, WAIT_PIDFD, pidfd, (long)info, options, (long)usage);
    } while (result == -EINTR);
    if (learn(&known, result) == PRESENT)
      return result;
  }
  do {
    result = CALL(SYS_waitid, P_PID, pid, (long)info, options, (long)usage);
  } while (result == -EINTR);
  return result;
}

double pidfd_inode(int pidfd) {
  static atomic_int known;
  int answer = atomic_load_explicit(&known, memory_order_relaxed);
  if (pidfd < 0)
    return 0;
  if (answer == UNKNOWN) {
    struct statfs fs;
    answer = fstatfs(pidfd, &fs) == 0 && fs.f_type == PIDFS_MAGIC ? PRESENT : REFUSED;
    atomic_store_explicit(&known, answer, memory_order_relaxed);
  }
  struct stat status; /* glibc has an fstat of its own from 2.33 on only */
  return answer == PRESENT && CALL(SYS_fstat, pidfd, (long)&status) == 0 ? (double)status.st_ino
                                                                         : 0;
}

int recover_end(int pidfd, int *code, int *status) {
  struct exit_info info = {.mask = EXIT_INFO_MASK};
  if (pidfd < 0 || CALL(SYS_ioctl, pidfd, EXIT_INFO_REQUEST, (long)&info) != 0 ||
      !(info.mask & EXIT_INFO_MASK))
    return 0;
  int signal = info.exit_code & 0x7f;
  *code = signal == 0 ? CLD_EXITED : (info.exit_code & 0x80) ? CLD_DUMPED : CLD_KILLED;
  *status = signal == 0 ? (info.exit_code >> 8) & 0xff : signal;
  return 1;
}
