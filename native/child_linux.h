/*
 * What a new process does on Linux that is more than one system call. Part of launch.c, which has
 * the rules.
 */
#ifndef FORKEXEC_CHILD_LINUX_H
#define FORKEXEC_CHILD_LINUX_H

#include "calls_linux.h"
#include "launch.h"

#define SIGNAL_COUNT 64
#define SIGNAL_SET_SIZE 8
#define FD_CLOSE_ON_EXEC 1
#define COMMAND_SET_FD 2 /* F_SETFD */
#define AT_CURRENT_DIRECTORY (-100)
#define OPEN_DIRECTORY_FLAGS 02000000 /* O_RDONLY | O_CLOEXEC, alike on all architectures */
#define ERROR_BAD_FD 9
#define ERROR_CANCELED 125
#define FUTEX_WAIT 0

/* The kernel's sigaction as rt_sigaction(2) takes it; the zeros are SIG_DFL. */
struct kernel_sigaction {
  uint64_t handler, flags, restorer, mask;
};

/* Child only; does not block; async-signal-safe. */
static void reset_caught_signals(void) {
  const struct kernel_sigaction reset = {0, 0, 0, 0};
  for (long number = 1; number <= SIGNAL_COUNT; number++) {
    struct kernel_sigaction now = {0, 0, 0, 0};
    if (CALL(SYS_rt_sigaction, number, 0, (long)&now, SIGNAL_SET_SIZE) == 0 && now.handler > 1)
      CALL(SYS_rt_sigaction, number, (long)&reset, 0, SIGNAL_SET_SIZE);
  }
}

/* The number that a decimal name spells, or -1. Child only; async-signal-safe. */
static long parse_number(const char *text) {
  long number = 0;
  if (*text == '\0')
    return -1;
  for (; *text != '\0'; text++) {
    if (*text < '0' || *text > '9' || number > 0xfffffff)
      return -1;
    number = number * 10 + (*text - '0');
  }
  return number;
}

/*
 * close_range(first, last, CLOSE_RANGE_CLOEXEC) for kernels before 5.11: marks what /proc/self/fd
 * lists. Without /proc it fails rather than let a descriptor through.
 * Child only; may block on /proc for microseconds; async-signal-safe.
 */
static long close_on_exec_range(const struct child_start *start, unsigned long first,
                                unsigned long last) {
  (void)start;
  static const char path[] = "/proc/thread-self/fd";
  long directory = CALL(SYS_openat, AT_CURRENT_DIRECTORY, (long)path, OPEN_DIRECTORY_FLAGS);
  if (directory < 0)
    return directory;
  _Alignas(8) char entries[2048];
  long result;
  while ((result = CALL(SYS_getdents64, directory, (long)entries, sizeof entries)) > 0) {
    for (long at = 0; at < result;) {
      /* struct linux_dirent64: inode 8, offset 8, length 2, type 1, name */
      long length = *(const uint16_t *)(const void *)(entries + at + 16);
      long fd = parse_number(entries + at + 19);
      at += length;
      if (fd < 0 || (unsigned long)fd < first || (unsigned long)fd > last)
        continue;
      long marked = CALL(SYS_fcntl, fd, COMMAND_SET_FD, FD_CLOSE_ON_EXEC);
      if (marked < 0 && marked != -ERROR_BAD_FD) {
        result = marked;
        goto done;
      }
    }
  }
done:
  CALL(SYS_close, directory);
  return result;
}

/* Child only; ends it. Async-signal-safe. */
__attribute__((noreturn)) static void end_child(const struct child_start *start) {
  if (start->failure_pipe >= 0)
    CALL(SYS_write, start->failure_pipe, (long)"", 1);
  for (;;)
    CALL(start->is_thread ? SYS_exit : SYS_exit_group, 127);
}

/* Child only; blocks until the parent has done its part: the watcher, since the thread that
   launched is suspended. */
static long wait_for_parent(struct child_start *start) {
  const uint64_t one = 1;
  start->report->waits = 1;
  CALL(SYS_write, start->wakeup_fd, (long)&one, sizeof one);
  while (start->report->go == 0)
    CALL(SYS_futex, (long)&start->report->go, FUTEX_WAIT, 0);
  return start->report->go == 1 ? 0 : -ERROR_CANCELED;
}

#endif
