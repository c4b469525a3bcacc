/*
 * What a new process does that is more than one call, where libc makes the calls. Part of launch.c,
 * which has the rules.
 */
#ifndef FORKEXEC_CHILD_POSIX_H
#define FORKEXEC_CHILD_POSIX_H

#include "calls_posix.h"
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#ifndef NSIG
#define NSIG 65
#endif

/* Child only; does not block; async-signal-safe. */
static void reset_caught_signals(void) {
  for (int number = 1; number < NSIG; number++) {
    struct sigaction action;
    if (sigaction(number, NULL, &action) != 0)
      continue;
    if ((action.sa_flags & SA_SIGINFO) == 0 &&
        (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN))
      continue;
    action.sa_flags = 0;
    action.sa_handler = SIG_DFL;
    sigaction(number, &action, NULL);
  }
}

/*
 * Marks a range of descriptors close-on-exec: by one call on FreeBSD, elsewhere one after another
 * up to the highest that the parent had. Child only; does not block; async-signal-safe.
 */
static long close_on_exec_range(const struct child_start *start, unsigned long first,
                                unsigned long last) {
#if defined(__FreeBSD__) && defined(CLOSE_RANGE_CLOEXEC)
  if (close_range((unsigned)first, (unsigned)last, CLOSE_RANGE_CLOEXEC) == 0)
    return 0;
#endif
  for (long fd = (long)first; fd <= start->highest_fd && (unsigned long)fd <= last; fd++) {
    if (fcntl((int)fd, F_SETFD, FD_CLOEXEC) != 0 && errno != EBADF)
      return -(long)errno;
  }
  return 0;
}

/* Nothing here has the parent do anything meanwhile. */
static long wait_for_parent(struct child_start *start) {
  (void)start;
  return -ENOSYS;
}

/*
 * Child only; ends it. The parent waits at the pipe, which execve closes where nothing failed.
 * Async-signal-safe.
 */
__attribute__((noreturn)) static void end_child(const struct child_start *start) {
  ssize_t ignored = write(start->failure_pipe, "", 1);
  (void)ignored;
  _exit(127);
}

#endif
