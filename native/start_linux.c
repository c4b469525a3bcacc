#define _GNU_SOURCE
#include "start.h"
#include "failpoint.h"
#include "above_stdio.h"
#include "clock.h"
#include "calls_linux.h"
#include "flight.h"
#include "help.h"
#include "probe.h"
#include "report.h"
#include "restore_linux.h"
#include "waiter.h"
#include "watcher.h"

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

/* A stack for a child; the thread that launched is suspended while it is in use. */
struct stack {
  struct stack *next; /* at its bottom, which a child does not reach */
};

/* Those that no child uses; there are as many as launches were ever under way at once. */
static struct {
  pthread_mutex_t lock;
  struct stack *first;
} stacks = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* NULL without memory. Any thread; does not block. */
static struct stack *take_stack(void) {
  pthread_mutex_lock(&stacks.lock);
  struct stack *stack = stacks.first;
  if (stack != NULL)
    stacks.first = stack->next;
  pthread_mutex_unlock(&stacks.lock);
  if (stack != NULL)
    return stack;
  size_t guard = (size_t)sysconf(_SC_PAGESIZE);
  unsigned char *memory = mmap(NULL, guard + STACK_SIZE, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED)
    return NULL;
  /* Without the guard an overflow would write into whatever the parent keeps below. */
  mprotect(memory, guard, PROT_NONE);
  return (void *)(memory + guard);
}

static void give_back_stack(struct stack *stack) {
  pthread_mutex_lock(&stacks.lock);
  stack->next = stacks.first;
  stacks.first = stack;
  pthread_mutex_unlock(&stacks.lock);
}

/*
 * The new process' pid, or -errno. The calling thread is suspended until execve or exit, unless
 * vfork is not what it is on Linux: then the child keeps the failure pipe until then. `with_pidfd`:
 * no descriptor of stdio is closed, so a pidfd takes the number of none.
 */
static long clone_child(struct stack *stack, struct child_start *start, struct flight *flight,
                        int with_pidfd) {
  long fails = failpoint(FAILPOINT_CLONE);
  if (fails != 0)
    return fails;
  const struct program *program = start->program;
  uint64_t flags = program->clone_flags & ~(uint32_t)PROGRAM_OWN_MEMORY;
  if (start->failure_pipe < 0) {
    flags |= CLONE_FLAG_VFORK;
    flags |= (program->clone_flags & PROGRAM_OWN_MEMORY) != 0 ? 0 : CLONE_FLAG_VM;
  }
  if (launch_has_clone3()) {
    flags |= CLONE_FLAG_PARENT_SETTID | CLONE_FLAG_CLEAR_SIGHAND;
    struct kernel_clone_args arguments = {
        .flags = flags | (with_pidfd ? CLONE_FLAG_PIDFD : 0),
        .pidfd = (uint64_t)(uintptr_t)&flight->pidfd,
        .parent_tid = (uint64_t)(uintptr_t)&flight->pid,
        .exit_signal = SIGCHLD,
        .stack = (uint64_t)(uintptr_t)stack,
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
  /* clone(2) can tell only one of the two. */
  int tells_pidfd = with_pidfd && can_clone_pidfd();
  flags |= tells_pidfd ? CLONE_FLAG_PIDFD : CLONE_FLAG_PARENT_SETTID;
  _Atomic int32_t *told = tells_pidfd ? &flight->pidfd : &flight->pid;
  const long a[6] = {(long)(flags | SIGCHLD), (long)stack + STACK_SIZE, (long)told};
  return call_clone(SYS_clone, a, launch_child, start);
}

/* Reaps a child that failed; it is past its last instruction, so this waits for microseconds. */
static void reap_failed(long pid, int pidfd) {
  siginfo_t info;
  wait_for_child((int)pid, pidfd, &info, WEXITED, NULL);
}

/*
 * The children of this thread are born into the namespace `fd` from now on: setns(2). Not all may
 * join their own again, so such a launch has a thread that does nothing else. Returns 0 or -errno.
 */
static long enter_pid_namespace(int fd) {
  if (fd < 0)
    return 0;
  long fails = failpoint(FAILPOINT_SETNS);
  if (fails != 0)
    return fails;
  /* A thread that has joined can start no other. */
  if (!can_clone_pidfd())
    waiter_start();
  return CALL(SYS_setns, fd, CLONE_NEWPID);
}

/* Opens the pidfd of a child that was born without one, or starts the waiter. Returns 0 or a
   positive errno. */
static int find_watcher(long pid, int *pidfd) {
  int held = stdio_hold();
  int fd = open_pidfd(pid);
  if (fd >= 0 && (fd = fd_above_stdio(fd)) < 0)
    fd = -errno;
  stdio_release(held);
  if (fd < -1)
    return -fd;
  *pidfd = fd;
  return fd < 0 ? waiter_start() : 0;
}

/* A child that is not to be: it is killed, unless it failed before. */
static void give_up(struct report *report, long pid, int pidfd, struct failure failure) {
  help_signal((int)pid, pidfd, SIGKILL);
  if (report->failure.step == START_LAUNCHED)
    report->failure = failure;
}

/* The child of a launch that nothing holds any more: becomes the result, or is reaped. */
static void finish(struct report *report, long pid, int pidfd, struct launch_result *result) {
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

/* Of an emulator's children none is to have a copy of another's failure pipe: its reader would wait
   for both. Held from the making of the pipe to the clone, which does not suspend there. */
static pthread_mutex_t failure_pipes = PTHREAD_MUTEX_INITIALIZER;

/* clone, and the way until there is a program or none. Returns the pid or -errno. */
static long fly(struct stack *stack, struct child_start *start, int apart, struct flight *flight) {
  int fds[2] = {-1, -1};
  start->failure_pipe = -1;
  if (apart) {
    pthread_mutex_lock(&failure_pipes);
    int held = stdio_hold();
    int error = report_open_pipe(fds, start->program);
    stdio_release(held);
    if (error != 0) {
      pthread_mutex_unlock(&failure_pipes);
      return -error;
    }
    start->failure_pipe = fds[1];
  }
  long pid = clone_child(stack, start, flight, stdio_is_open());
  if (apart) {
    close(fds[1]);
    pthread_mutex_unlock(&failure_pipes);
    if (pid >= 0)
      flight->pid = (int32_t)pid;
    report_await(fds[0], pid >= 0);
  }
  return pid;
}

/* launch_start, with the memory in which the child reports; `apart`: vfork would be a fork. */
static void start_process(struct stack *stack, struct child_start *start, int apart,
                          struct flight *flight, struct launch_result *result) {
  const struct program *program = start->program;
  struct report *report = start->report;
  if ((result->error = flight_take_off(flight, report)) != 0)
    return;
  /* The child must never run a handler of this process. A raw call, since libc keeps two signals
     unblocked. */
  uint64_t all = ~(uint64_t)0, before = 0;
  CALL(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, (long)&before, SIGNAL_SET_SIZE);
  int may_clear = clears_dumpable(program);
  if (may_clear)
    dumpable_keep();
  long pid = enter_pid_namespace(program->pid_namespace);
  if (pid < 0)
    result->step = START_SETNS;
  else
    pid = fly(stack, start, apart, flight);
  int canceled = flight_land(flight);
  if (may_clear)
    dumpable_restore();
  CALL(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before, 0, SIGNAL_SET_SIZE);

  if (pid < 0) {
    result->error = (int32_t)-pid;
    return;
  }
  int pidfd = flight->pidfd;
  /* Unless the child failed before, its own failure says only that the parent gave up. */
  if (report->of_parent.error != 0 &&
      (report->failure.step == START_LAUNCHED || report->failure.error == ECANCELED))
    report->failure = report->of_parent;
  if (start->in_cgroup && !report->began && canceled == 0)
    report->failure = (struct failure){START_UNBORN, ESRCH};
  if (canceled != 0)
    give_up(report, pid, pidfd, (struct failure){report->at, canceled});
  else if (flight->stopped_by != 0)
    help_signal((int)pid, pidfd, flight->stopped_by);
  int error = 0;
  if (pidfd < 0 && report->failure.step == START_LAUNCHED)
    error = find_watcher(pid, &pidfd);
  else if (pidfd >= 0 && (pidfd = fd_above_stdio(pidfd)) < 0)
    error = errno;
  if (error != 0) /* nothing here could watch it */
    give_up(report, pid, pidfd, (struct failure){START_CLONE, error});
  finish(report, pid, pidfd, result);
}

/* launch_start, with a birth in the control group or without. */
static void start_in(struct flight *flight, int in_cgroup, struct launch_result *result) {
  const struct program *program = flight->program;
  struct report local = {.failure.step = START_LAUNCHED};
  struct child_start start = {.program = program,
                              .report = &local,
                              .in_cgroup = in_cgroup,
                              .wakeup_fd = watcher_wakeup_fd()};
  failpoint_set_step(&start);
  *result = (struct launch_result){
      .step = START_CLONE, .error = ENOMEM, .pidfd = -1, .started = monotonic_microseconds()};
  int apart = !vfork_shares_memory();
  if (apart || (program->clone_flags & PROGRAM_OWN_MEMORY) != 0)
    start.report = report_share();
  struct stack *stack = take_stack();
  if (start.report != NULL && stack != NULL && failpoint(FAILPOINT_MEMORY) == 0)
    start_process(stack, &start, apart, flight, result);
  else
    flight_end(flight);
  if (stack != NULL)
    give_back_stack(stack);
  if (start.report != NULL && start.report != &local)
    report_free(start.report);
}

/*
 * Since Linux 6.14 a process that is born into a control group is killed at once if a process was
 * ever killed by its cgroup.kill: the kernel compares the group's count of such kills with that of
 * the parent's group. A child that never ran is launched again, and moves itself there.
 */
void launch_start(struct flight *flight, struct launch_result *result) {
  start_in(flight, flight->program->cgroup >= 0, result);
  if (result->step == START_UNBORN)
    start_in(flight, 0, result);
}
