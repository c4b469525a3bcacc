#define _GNU_SOURCE /* Linux: wait4 */
#include "start.h"
#include "above_stdio.h"
#include "clock.h"
#include "calls_posix.h"
#include "descriptors_posix.h"
#include "flight.h"
#include "probe.h"
#include "report.h"
#include "waiter.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* A forked child shares no memory with its parent, and changes nothing of it. */

int vfork_shares_memory(void) {
  return 0;
}

int launch_has_clone3(void) {
  return 0;
}

/*
 * waitid(2) knows nothing of resources, and wait4(2) nothing of a process that is left as it is:
 * one looks, the other takes.
 */
long wait_for_child(int pid, int pidfd, siginfo_t *info, int options, struct rusage *usage) {
  (void)pidfd;
  int result, status = 0;
  do {
    memset(info, 0, sizeof *info);
    result = waitid(P_PID, (id_t)pid, info, options | WNOWAIT);
  } while (result != 0 && errno == EINTR);
  if (result != 0)
    return -(long)errno;
  if (info->si_pid == 0)
    return 0;
  if (info->si_code != CLD_EXITED && info->si_code != CLD_KILLED && info->si_code != CLD_DUMPED) {
    /* A traced child that stopped: its tracer's to take, unless stops were asked for. */
    if ((options & (WSTOPPED | WCONTINUED)) == 0)
      info->si_pid = 0;
    else if ((options & WNOWAIT) == 0)
      waitid(P_PID, (id_t)pid, info, options);
    return 0;
  }
  if ((options & WNOWAIT) != 0)
    return 0;
  do {
    result = wait4(pid, &status, 0, usage);
  } while (result < 0 && errno == EINTR);
  if (result < 0)
    return -(long)errno;
  if (WIFEXITED(status)) {
    info->si_code = CLD_EXITED;
    info->si_status = WEXITSTATUS(status);
  } else {
    info->si_code = WCOREDUMP(status) ? CLD_DUMPED : CLD_KILLED;
    info->si_status = WTERMSIG(status);
  }
  return 0;
}

int recover_end(int pidfd, int *code, int *status) {
  (void)pidfd;
  (void)code;
  (void)status;
  return 0;
}

/* No child is to have a copy of another's failure pipe: its reader would wait for both. Held from
   the making of the pipe to the fork. */
static pthread_mutex_t failure_pipes = PTHREAD_MUTEX_INITIALIZER;

/* The child, and where its failure is read; or -errno. The lock is held. */
static pid_t fork_child_locked(struct child_start *start, int *closed, int *failure_fd) {
  int fds[2];
  int held = stdio_hold();
  int error = report_open_pipe(fds, start->program);
  stdio_release(held);
  if (error != 0)
    return -error;
  start->failure_pipe = fds[1];
  start->highest_fd = highest_descriptor();
  uint32_t closed_count = closed_descriptors(start->program, closed);

  /* The child must never run a handler of this process. */
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t pid = fork();
  if (pid == 0) {
    /* What pthread_atfork(3) has other code do in the child opens descriptors: libuv a pipe. A
       number that is closed here is to be closed there. */
    for (uint32_t i = 0; i < closed_count; i++)
      close(closed[i]);
    launch_child(start);
  }
  error = pid < 0 ? errno : 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  close(fds[1]);
  *failure_fd = fds[0];
  if (error != 0)
    close(fds[0]);
  return error != 0 ? -error : pid;
}

/* launch_start, with what it needs; `result` says that clone failed until something else is known.
 */
static void start_process(struct flight *flight, struct child_start *start, int *closed,
                          struct launch_result *result) {
  struct report *report = start->report;
  if ((result->error = flight_take_off(flight, report)) != 0)
    return;
  int failure_fd = -1;
  pthread_mutex_lock(&failure_pipes);
  pid_t pid = fork_child_locked(start, closed, &failure_fd);
  pthread_mutex_unlock(&failure_pipes);
  if (pid > 0) {
    flight->pid = (int32_t)pid;
    report_await(failure_fd, 1);
  }
  int canceled = flight_land(flight);
  if (pid < 0) {
    result->error = (int32_t)-pid;
    return;
  }
  if (canceled != 0) {
    kill(pid, SIGKILL);
    if (report->failure.step == START_LAUNCHED)
      report->failure = (struct failure){report->at, canceled};
  } else if (flight->stopped_by != 0) {
    kill(pid, flight->stopped_by);
  }
  report_take(report, result);
  struct rusage self = {0};
  if (result->step != START_LAUNCHED) {
    siginfo_t info;
    wait_for_child((int)pid, -1, &info, WEXITED, &self);
    return;
  }
  getrusage(RUSAGE_SELF, &self);
  result->pid = (int32_t)pid;
  result->max_rss_floor = (double)self.ru_maxrss / MAX_RSS_UNIT;
}

void launch_start(struct flight *flight, struct launch_result *result) {
  const struct program *program = flight->program;
  *result = (struct launch_result){
      .step = START_CLONE, .error = ENOMEM, .pidfd = -1, .started = monotonic_microseconds()};
  struct report *report = report_share();
  int *closed = malloc(((size_t)program->count * 2 + 1) * sizeof *closed);
  if (report != NULL && closed != NULL && (result->error = waiter_start()) == 0) {
    struct child_start start = {.program = program, .report = report, .reset_handlers = 1};
    start_process(flight, &start, closed, result);
  } else {
    flight_end(flight);
  }
  free(closed);
  if (report != NULL)
    report_free(report);
}
