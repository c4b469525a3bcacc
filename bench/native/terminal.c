// What the kernel gives of a terminal in raw mode: terminal BYTES. A process of head prints so many
// bytes; this one waits for them with poll(2), reads, and does nothing else. Prints megabytes a
// second.
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int count, char **words) {
  if (count != 2)
    return 2;
  double begin = now();
  int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  int locked = 0;
  if (master < 0 || ioctl(master, TIOCSPTLCK, &locked) != 0)
    return 1;
  int child_fd = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  struct termios modes;
  if (child_fd < 0 || tcgetattr(child_fd, &modes) != 0)
    return 1;
  cfmakeraw(&modes);
  tcsetattr(child_fd, TCSANOW, &modes);
  pid_t pid = vfork();
  if (pid == 0) {
    setsid();
    for (int fd = 0; fd < 3; fd++)
      dup2(child_fd, fd);
    execlp("head", "head", "-c", words[1], "/dev/zero", (char *)NULL);
    _exit(127);
  }
  close(child_fd);
  static char buffer[65536];
  double size = 0;
  for (;;) {
    ssize_t got = read(master, buffer, sizeof buffer);
    if (got > 0) {
      size += (double)got;
      continue;
    }
    struct pollfd ready = {master, POLLIN, 0};
    // After the last byte read(2) fails with EIO, and poll(2) reports a hang-up alone.
    if (poll(&ready, 1, -1) == 1 && ready.revents == POLLHUP)
      break;
  }
  double megabytes_a_second = size / 1e6 / (now() - begin);
  int status = 0;
  if (waitpid(pid, &status, 0) != pid || status != 0 || size != atof(words[1]))
    return 1;
  printf("%f\n", megabytes_a_second);
  return 0;
}
