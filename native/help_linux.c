#define _GNU_SOURCE
#include "help.h"
#include "calls_linux.h"
#include "small_file_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * The number of a child in /proc, from its pidfd: /proc may belong to another pid namespace than
 * system calls do, and have another process at `pid`. Returns -ESRCH where that can't be known.
 */
static long number_in_proc(long pid, int pidfd) {
  static const char name[] = "\nPid:";
  char path[64], text[512];
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
  const char *line =
      pidfd >= 0 && read_small_file(path, text, sizeof text) ? strstr(text, name) : NULL;
  if (line != NULL)
    pid = strtol(line + sizeof name - 1, NULL, 10);
  else if (!read_small_file("/proc/self/stat", text, sizeof text) ||
           strtol(text, NULL, 10) != getpid())
    pid = -1;
  return pid > 0 ? pid : -ESRCH;
}

/* Writes what the child waits for. Returns 0 or -errno, and then what failed is in `failure`. */
static long write_parent_files(const struct program *program, long pid, int pidfd,
                               struct failure *failure) {
  long shown = number_in_proc(pid, pidfd);
  long result = 0;
  for (uint32_t i = 0; result >= 0 && i < program->parent_file_count; i++) {
    const struct parent_file *file = &program->parent_files[i];
    char path[128];
    snprintf(path, sizeof path, "/proc/%ld/%s", shown, file->name);
    long fd = shown < 0 ? shown : CALL(SYS_openat, AT_FDCWD, (long)path, O_WRONLY | O_CLOEXEC);
    /* One write: the kernel takes a map whole or not at all. */
    result = fd < 0 ? fd : CALL(SYS_write, fd, (long)file->content, file->size);
    if (result < 0)
      *failure = (struct failure){(int32_t)file->step, (int32_t)-result};
    if (fd >= 0)
      CALL(SYS_close, fd);
  }
  return result;
}

void help_waiting(const struct program *program, struct report *report, int pid, int pidfd) {
  if (!report->waits || report->go != 0)
    return;
  long result = write_parent_files(program, pid, pidfd, &report->of_parent);
  report->go = result < 0 ? -1 : 1;
  CALL(SYS_futex, (long)&report->go, FUTEX_WAKE, 1);
}

void help_signal(int pid, int pidfd, int number) {
  long result = pidfd < 0 ? -ENOSYS : CALL(SYS_pidfd_send_signal, pidfd, number, 0, 0);
  /* The number serves where the call can't be had. It does not where the pidfd's process is gone:
     other code has reaped the child, and another process may have its number. */
  int is_refused = result == -ENOSYS || result == -EPERM || result == -EACCES;
  if (is_refused && pid > 0)
    CALL(SYS_kill, pid, number);
}
