/* What launches have in common on all systems. */
#define _GNU_SOURCE /* Linux: MAP_ANON */
#include "start.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

double monotonic_microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

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

/* Held while something of ours may be at the number of a closed one. */
static pthread_mutex_t low_numbers = PTHREAD_MUTEX_INITIALIZER;

static int open_stdio(void) {
  int open = 0;
  for (int fd = 0; fd < 3; fd++)
    open |= (fcntl(fd, F_GETFD) >= 0) << fd;
  return open;
}

int launch_open_stdio(void) {
  int open = open_stdio();
  if (open == 7)
    return open;
  pthread_mutex_lock(&low_numbers);
  open = open_stdio();
  pthread_mutex_unlock(&low_numbers);
  return open;
}

int launch_hold_stdio(void) {
  int held = open_stdio() != 7;
  if (held)
    pthread_mutex_lock(&low_numbers);
  return held;
}

void launch_release_stdio(int held) {
  if (held)
    pthread_mutex_unlock(&low_numbers);
}
