#define _GNU_SOURCE
#include "above_stdio.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#define LOWEST_FD 3

int fd_above_stdio(int fd) {
  if (fd < 0 || fd >= LOWEST_FD)
    return fd;
  int moved = fcntl(fd, F_DUPFD_CLOEXEC, LOWEST_FD), error = errno;
  close(fd);
  errno = error;
  return moved;
}

int pipe_above_stdio(int fds[2]) {
#if defined(__APPLE__)
  /* A child that other code launches in between inherits it; a child of this library does not. */
  if (pipe(fds) != 0)
    return errno;
  for (int i = 0; i < 2; i++)
    fcntl(fds[i], F_SETFD, FD_CLOEXEC);
#else
  if (pipe2(fds, O_CLOEXEC) != 0)
    return errno;
#endif
  for (int i = 0; i < 2; i++) {
    fds[i] = fd_above_stdio(fds[i]);
    if (fds[i] >= 0)
      continue;
    int error = errno;
    close(fds[1 - i]);
    return error;
  }
  return 0;
}

/* Held while a descriptor of this library may be at a number of stdio that is closed. */
static pthread_mutex_t low_numbers = PTHREAD_MUTEX_INITIALIZER;

static int open_stdio(void) {
  int open = 0;
  for (int fd = 0; fd < 3; fd++)
    open |= (fcntl(fd, F_GETFD) >= 0) << fd;
  return open;
}

int stdio_open(void) {
  int open = open_stdio();
  if (open == 7)
    return open;
  pthread_mutex_lock(&low_numbers);
  open = open_stdio();
  pthread_mutex_unlock(&low_numbers);
  return open;
}

int stdio_is_open(void) {
  return open_stdio() == 7;
}

int stdio_hold(void) {
  int held = open_stdio() != 7;
  if (held)
    pthread_mutex_lock(&low_numbers);
  return held;
}

void stdio_release(int held) {
  if (held)
    pthread_mutex_unlock(&low_numbers);
}
