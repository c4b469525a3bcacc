/*
 * A file system that does not answer, for the kernel's FUSE: what looks for a file in it waits in a
 * way that no signal ends.
 *
 *   stalled-fs DIR   mounts it there, until SIGTERM
 *
 * Prints "mounted", and "asked" for each request that it leaves without an answer. Says why and
 * exits with 2 where it can't be mounted.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define BUFFER (FUSE_MIN_READ_BUFFER + 65536)

static void answer_init(int fd, const struct fuse_in_header *request) {
  struct {
    struct fuse_out_header header;
    struct fuse_init_out body;
  } answer;
  memset(&answer, 0, sizeof answer);
  answer.header.len = sizeof answer;
  answer.header.unique = request->unique;
  answer.body.major = FUSE_KERNEL_VERSION;
  answer.body.minor = 31;
  answer.body.max_write = 4096;
  if (write(fd, &answer, sizeof answer) != sizeof answer)
    perror("write");
}

static volatile sig_atomic_t ended;

static void end(int number) {
  (void)number;
  ended = 1;
}

int main(int argc, char **argv) {
  static char buffer[BUFFER];
  char options[128];
  setvbuf(stdout, NULL, _IONBF, 0);
  int fd = argc == 2 ? open("/dev/fuse", O_RDWR | O_CLOEXEC) : -1;
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
  if (fd < 0 || mount("stalled", argv[1], "fuse", MS_NOSUID | MS_NODEV, options) != 0) {
    printf("no file system of FUSE can be mounted: %s\n", strerror(errno));
    return 2;
  }
  sigset_t blocked, none;
  sigemptyset(&none);
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  sigprocmask(SIG_BLOCK, &blocked, NULL);
  signal(SIGTERM, end);
  while (!ended) {
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    if (ppoll(&ready, 1, NULL, &none) < 0)
      continue;
    ssize_t size = read(fd, buffer, sizeof buffer);
    const struct fuse_in_header *request = (const void *)buffer;
    if (size < (ssize_t)sizeof *request)
      continue;
    if (request->opcode == FUSE_INIT) {
      answer_init(fd, request);
      puts("mounted");
    } else if (request->opcode != FUSE_INTERRUPT) {
      puts("asked");
    }
  }
  umount2(argv[1], MNT_FORCE | MNT_DETACH);
  return 0;
}
