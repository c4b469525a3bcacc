#define _GNU_SOURCE
#include "start.h"
#include "above_stdio.h"
#include "calls_linux.h"
#include "probe.h"
#include "report.h"
#include "restore_linux.h"
#include "waiter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STACK_SIZE (64u << 10)
#define SIGNAL_SET_SIZE 8

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
 * The new process' pid, or -errno. The calling thread is suspended until execve or exit, but in two
 * cases. If the parent has files to write meanwhile, the kernel clears `running` and wakes its
 * futex. If vfork is not what it is on Linux, the child keeps the failure pipe until then.
 */
static long clone_child(struct launch_stack *stack, struct child_start *start, int *pidfd,
                        _Atomic int32_t *running) {
  const struct program *program = start->program;
  uint64_t flags = program->clone_flags & ~(uint32_t)PROGRAM_OWN_MEMORY;
  if (start->failure_pipe < 0) {
    flags |= (program->clone_flags & PROGRAM_OWN_MEMORY) != 0 ? 0 : CLONE_FLAG_VM;
    flags |= program->parent_file_count == 0 ? CLONE_FLAG_VFORK : CLONE_FLAG_CHILD_CLEARTID;
  }
  if (launch_has_clone3()) {
    struct kernel_clone_args arguments = {
        .flags = flags | CLONE_FLAG_PIDFD | CLONE_FLAG_CLEAR_SIGHAND,
        .pidfd = (uint64_t)(uintptr_t)pidfd,
        .child_tid = (uint64_t)(uintptr_t)running,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)(uintptr_t)stack->bottom,
        .stack_size = STACK_SIZE,
    };
    if (start->in_cgroup) {
      arguments.flags |= CLONE_FLAG_INTO_CGROUP;
      arguments.cgroup = (uint64_t)program->cgroup;
    }
    start->reset_handlers = 0;
    const long a[6] = {(long)&arguments, sizeof arguments};
    return call_clone(SYS_clone3, a, launch_child, start);
  }
  start->in_cgroup = 0; /* the child moves itself there */
  if ((flags & CLONE_FLAG_NEWTIME) != 0)
    return -ENOSYS; /* only clone3 can do that */
  start->reset_handlers = 1;
  if (can_clone_pidfd())
    flags |= CLONE_FLAG_PIDFD;
  long a[6] = {(long)(flags | SIGCHLD), (long)(stack->bottom + STACK_SIZE), (long)pidfd};
  a[CLONE_CHILD_TID_ARGUMENT] = (long)running;
  return call_clone(SYS_clone, a, launch_child, start);
}

/* Reads a small file into `text`, with a NUL behind it; whether it could be read. */
static int read_text(const char *path, char *text, size_t size) {
  long fd = CALL(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return 0;
  long length = CALL(SYS_read, fd, (long)text, (long)size - 1);
  CALL(SYS_close, fd);
  text[length < 0 ? 0 : length] = '\0';
  return length > 0;
}

/*
 * The number of a child in /proc, from its pidfd: /proc may belong to another pid namespace than
 * system calls do, and have another process at `pid`. Returns -ESRCH where that can't be known.
 */
static long number_in_proc(long pid, int pidfd) {
  static const char name[] = "\nPid:";
  char path[64], text[512];
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
  const char *line = pidfd >= 0 && read_text(path, text, sizeof text) ? strstr(text, name) : NULL;
  if (line != NULL)
    pid = strtol(line + sizeof name - 1, NULL, 10);
  else if (!read_text("/proc/self/stat", text, sizeof text) || strtol(text, NULL, 10) != getpid())
    pid = -1;
  return pid > 0 ? pid : -ESRCH;
}

/* Writes what the child waits for, and lets it go on or give up. Returns 0 or -errno. */
static long write_parent_files(struct child_start *start, long pid, int pidfd,
                               struct failure *failure) {
  const struct program *program = start->program;
  long shown = number_in_proc(pid, pidfd);
  long result = 0;
  for (uint32_t i = 0; result >= 0 && i < program->parent_file_count; i++) {
    const struct parent_file *file = &program->parent_files[i];
    char path[128];
    snprintf(path, sizeof path, "/proc/%ld/%s", shown, file->name);
    long fd = shown < 0 ? shown : CALL(SYS_openat, AT_FDCWD, (long)path, O_WRONLY | O_CLOEXEC);
    result = fd;
    if (fd < 0) {
      *failure = (struct failure){(int32_t)file->step, (int32_t)-result};
      break;
    }
    /* One write: the kernel takes a map whole or not at all. */
    result = CALL(SYS_write, fd, (long)file->content, file->size);
    if (result < 0)
      *failure = (struct failure){(int32_t)file->step, (int32_t)-result};
    CALL(SYS_close, fd);
  }
  start->report->go = result < 0 ? -1 : 1;
  CALL(SYS_futex, (long)&start->report->go, FUTEX_WAKE, 1);
  return result;
}

/* Until the child's execve or exit: see CLONE_CHILD_CLEARTID in clone(2). */
static void wait_until_gone(_Atomic int32_t *running) {
  while (*running != 0)
    CALL(SYS_futex, (long)running, FUTEX_WAIT, 1);
}

/* Reaps a child that failed; it is past its last instruction, so this waits for microseconds. */
static void reap_failed(long pid, int pidfd) {
  siginfo_t info;
  wait_for_child((int)pid, pidfd, &info, WEXITED, NULL);
}

/*
 * The next child of this thread is born into the namespace `fd`, if that is one: setns(2). Returns
 * 0 or -errno; `way_back` is then a descriptor or -1. Without a way back it fails: all later
 * children would be born there too.
 */
static long enter_pid_namespace(int fd, long *way_back) {
  *way_back = -1;
  if (fd < 0)
    return 0;
  long own = CALL(SYS_openat, AT_FDCWD, (long)"/proc/thread-self/ns/pid", O_RDONLY | O_CLOEXEC);
  long result = own < 0 ? own : CALL(SYS_setns, fd, CLONE_NEWPID);
  if (result >= 0)
    *way_back = own;
  else if (own >= 0)
    CALL(SYS_close, own);
  return result;
}

static void leave_pid_namespace(long way_back) {
  if (way_back < 0)
    return;
  CALL(SYS_setns, way_back, CLONE_NEWPID);
  CALL(SYS_close, way_back);
}

/* Opens the pidfd of a child that was born without one, or starts the waiter. Returns 0 or a
   positive errno. */
static int find_watcher(long pid, int *pidfd) {
  int fd = open_pidfd(pid);
  if (fd < -1)
    return -fd;
  *pidfd = fd;
  return fd < 0 ? waiter_start() : 0;
}

/*
 * Until the child runs another program or is gone, with what the parent has to do meanwhile: a
 * failure of that is reported as the child's. `pid` is negative where there is no child.
 */
static void see_off(struct child_start *start, long pid, int pidfd, _Atomic int32_t *running,
                    int fds[2]) {
  struct report *report = start->report;
  struct failure ours = {START_LAUNCHED, 0};
  struct oom_score score = {0};
  int writes = pid >= 0 && start->program->parent_file_count > 0;
  if (writes) {
    score = oom_score_read();
    write_parent_files(start, pid, pidfd, &ours);
  }
  if (start->failure_pipe >= 0)
    report_await(fds, pid >= 0);
  else if (writes)
    wait_until_gone(running);
  if (!writes)
    return;
  oom_score_restore(&score);
  /* Unless the child failed before, its own failure says only that the parent gave up. */
  if (ours.step != START_LAUNCHED &&
      (report->failure.step == START_LAUNCHED || report->failure.error == ECANCELED))
    report->failure = ours;
}

/* launch_start, with the memory in which the child reports; `apart`: vfork would be a fork. */
static void start_process(struct launch_stack *stack, struct child_start *start, int apart,
                          struct launch_result *result) {
  const struct program *program = start->program;
  struct report *report = start->report;
  _Atomic int32_t running = 1;
  int pidfd = -1, error = 0, fds[2] = {-1, -1};

  int low = stdio_hold();
  if (apart && (result->error = report_open_pipe(fds, program)) != 0) {
    stdio_release(low);
    return;
  }
  start->failure_pipe = fds[1];
  /* The child must never run a handler of this process. A raw call, since libc keeps two signals
     unblocked. */
  uint64_t all = ~(uint64_t)0, before = 0;
  CALL(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, (long)&before, SIGNAL_SET_SIZE);
  dumpable_keep();
  long way_back;
  long pid = enter_pid_namespace(program->pid_namespace, &way_back);
  if (pid < 0)
    result->step = START_SETNS;
  else
    pid = clone_child(stack, start, &pidfd, &running);
  leave_pid_namespace(way_back);
  see_off(start, pid, pidfd, &running, fds);
  if (pid >= 0 && start->in_cgroup && !report->began)
    report->failure = (struct failure){START_UNBORN, ESRCH};
  if (pid >= 0 && pidfd < 0 && report->failure.step == START_LAUNCHED)
    error = find_watcher(pid, &pidfd);
  if (pidfd >= 0 && (pidfd = fd_above_stdio(pidfd)) < 0)
    error = errno;
  stdio_release(low);
  dumpable_restore();
  CALL(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before, 0, SIGNAL_SET_SIZE);

  if (pid < 0) {
    result->error = (int32_t)-pid;
    return;
  }
  if (error != 0) {
    CALL(SYS_kill, pid, SIGKILL); /* nothing here could watch it */
    report->failure = (struct failure){START_CLONE, error};
  }
  report_take(report, result);
  if (result->step != START_LAUNCHED) {
    reap_failed(pid, pidfd);
    if (pidfd >= 0)
      close(pidfd);
    return;
  }
  struct rusage self = {0};
  getrusage(RUSAGE_SELF, &self);
  result->pid = (int32_t)pid;
  result->pidfd = pidfd;
  result->inode = pidfd_inode(result->pidfd);
  result->max_rss_floor = (double)self.ru_maxrss;
}

/* launch_start, with a birth in the control group or without. */
static void start_in(struct launch_stack *stack, const struct program *program, int in_cgroup,
                     struct launch_result *result) {
  struct report local = {.failure.step = START_LAUNCHED};
  struct child_start start = {.program = program, .report = &local, .in_cgroup = in_cgroup};
  *result = (struct launch_result){
      .step = START_CLONE, .error = ENOMEM, .pidfd = -1, .started = monotonic_microseconds()};
  int apart = !vfork_shares_memory();
  if (apart || (program->clone_flags & PROGRAM_OWN_MEMORY) != 0)
    start.report = report_share();
  if (start.report != NULL && prepare_stack(stack))
    start_process(stack, &start, apart, result);
  if (start.report != NULL && start.report != &local)
    report_free(start.report);
}

/*
 * Since Linux 6.14 a process that is born into a control group is killed at once if a process was
 * ever killed by its cgroup.kill: the kernel compares the group's count of such kills with that of
 * the parent's group. A child that never ran is launched again, and moves itself there.
 */
void launch_start(struct launch_stack *stack, const struct program *program,
                  struct launch_result *result) {
  start_in(stack, program, program->cgroup >= 0, result);
  if (result->step == START_UNBORN)
    start_in(stack, program, 0, result);
}
