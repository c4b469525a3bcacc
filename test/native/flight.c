/*
 * Whom native/flight.c and native/help_linux.c signal: no process that only has, or soon will have,
 * the number of a child that is gone or was never born.
 */
#define _GNU_SOURCE
#include "flight.h"
#include "fork_lock.h"
#include "help.h"
#include "probe.h"
#include "watcher.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What flight.c calls beside them, and what does nothing in this program. */

void watcher_wake(void) {}

void fork_lock_pass_launches(void) {}

long wait_for_child(int pid, int pidfd, siginfo_t *info, int options, struct rusage *usage) {
  (void)pid;
  (void)pidfd;
  (void)info;
  (void)options;
  (void)usage;
  return -ECHILD;
}

/* A child that lives until it is signalled, and its pidfd. */
static pid_t start(int *pidfd) {
  pid_t pid = fork();
  assert(pid >= 0);
  while (pid == 0)
    pause();
  *pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
  assert(*pidfd >= 0);
  return pid;
}

/* The signal that ends it; a SIGTERM of this function does if no other was sent before. */
static int end_of(pid_t pid) {
  int status;
  kill(pid, SIGTERM);
  assert(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
  return WTERMSIG(status);
}

/* The pidfd is of a child that was reaped, and another process has its number. */
static void check_reaped(void) {
  int gone, other;
  pid_t child = start(&gone), stranger = start(&other);
  assert(end_of(child) == SIGTERM);
  help_signal(stranger, gone, SIGKILL);
  assert(end_of(stranger) == SIGTERM);
  close(gone);
  close(other);
}

/* Without a pidfd the number serves, and with one the pidfd. */
static void check_alive(void) {
  int pidfd;
  pid_t child = start(&pidfd);
  help_signal(child, -1, SIGKILL);
  assert(end_of(child) == SIGKILL);
  close(pidfd);
  child = start(&pidfd);
  help_signal(0, pidfd, SIGKILL);
  assert(end_of(child) == SIGKILL);
  close(pidfd);
}

/* clone wrote the number of a pidfd and failed; or its child began. The signal that the process
   gets which the pidfd means by now. */
static int cancel_with(int began) {
  struct report report = {.failure.step = START_LAUNCHED};
  struct flight flight = {.environment = &flight, .token = 1};
  int pidfd;
  int32_t step;
  pid_t process = start(&pidfd);
  flight_begin(&flight);
  assert(flight_take_off(&flight, &report) == 0);
  report.began = began;
  flight.pidfd = pidfd;
  assert(flight_cancel(&flight, 1, ECANCELED, &step) == NULL);
  flights_look();
  assert(flight_land(&flight) == ECANCELED);
  close(pidfd);
  return end_of(process);
}

int main(void) {
  check_reaped();
  check_alive();
  assert(cancel_with(0) == SIGTERM);
  assert(cancel_with(1) == SIGKILL);
  printf("ok");
  return 0;
}
