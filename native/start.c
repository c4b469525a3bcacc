/* What launches have in common on all systems. */
#include "start.h"

#include <fcntl.h>
#include <pthread.h>
#include <time.h>

double monotonic_microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
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
