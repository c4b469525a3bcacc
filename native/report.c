#define _GNU_SOURCE /* Linux: MAP_ANON */
#include "report.h"
#include "above_stdio.h"
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct report *report_share(void) {
  struct report *report =
      mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANON, -1, 0);
  if (report == MAP_FAILED)
    return NULL;
  report->failure.step = START_LAUNCHED;
  return report;
}

void report_free(struct report *report) {
  munmap(report, sizeof *report);
}

void report_take(const struct report *report, struct launch_result *result) {
  result->step = report->failure.step;
  result->error = report->failure.error;
  result->skipped_count = report->skipped_count;
  memcpy(result->skipped, report->skipped, sizeof result->skipped);
}

/* Takes a descriptor to a number that means nothing to the program, which may say of one that is
   closed here that it is to be there, or to stay closed. Returns it, or -errno. */
static int move_out_of_the_way(int fd, const struct program *program) {
  while (program_uses(program, fd)) {
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, fd + 1);
    int error = errno;
    close(fd);
    if (moved < 0)
      return -error;
    fd = moved;
  }
  return fd;
}

int report_open_pipe(int fds[2], const struct program *program) {
  int error = pipe_above_stdio(fds);
  if (error != 0)
    return error;
  fds[0] = move_out_of_the_way(fds[0], program);
  fds[1] = move_out_of_the_way(fds[1], program);
  if (fds[0] >= 0 && fds[1] >= 0)
    return 0;
  for (int i = 0; i < 2; i++) {
    if (fds[i] >= 0)
      close(fds[i]);
    else
      error = -fds[i];
  }
  return error;
}

void report_await(int fd, int born) {
  char byte;
  while (born && read(fd, &byte, 1) < 0 && errno == EINTR)
    continue;
  close(fd);
}
