/*
 * Launches what ProgramBuilder wrote to a file, without a runtime: for emulators, under which one
 * takes long to start.
 *
 *   launch_driver launch FILE   launches it twice, and waits
 *   launch_driver exec FILE     becomes it
 *
 * Prints a line for each launch: "shares=0|1 step errno skipped=STEP:ERRNO,… end". A launch must
 * leave neither a process nor a descriptor.
 */
#define _GNU_SOURCE
#include "exec.h"
#include "flight.h"
#include "probe.h"
#include "program.h"
#include "start.h"
#include "watcher.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_DESCRIPTORS 64

/* The watcher: what the programs of the driver do needs none. */
void watcher_wake(void) {}
int watcher_wakeup_fd(void) {
  return -1;
}

static unsigned char *read_file(const char *path, size_t *size) {
  struct stat status;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  assert(fd >= 0 && fstat(fd, &status) == 0);
  *size = (size_t)status.st_size;
  unsigned char *bytes = malloc(program_allocation(*size));
  assert(bytes != NULL && read(fd, bytes, *size) == (ssize_t)*size);
  close(fd);
  return bytes;
}

static uint64_t open_descriptors(void) {
  uint64_t open = 0;
  for (int fd = 0; fd < MOST_DESCRIPTORS; fd++)
    open |= (uint64_t)(fcntl(fd, F_GETFD) >= 0) << fd;
  return open;
}

static void print_end(const siginfo_t *info) {
  printf(info->si_code == CLD_EXITED ? "exit %d\n" : "signal %d\n", info->si_status);
}

static void launch(const char *path) {
  struct launch_result result;
  struct flight flight = {.token = 1};
  struct program program;
  siginfo_t info = {0};
  size_t size;
  unsigned char *bytes = read_file(path, &size);
  assert(program_load(&program, bytes, size) == NULL);
  uint64_t before = open_descriptors();
  flight.program = &program;
  flight_begin(&flight);
  launch_start(&flight, &result);
  free(bytes);
  printf("shares=%d %d %d skipped=", vfork_shares_memory(), result.step, result.error);
  for (uint32_t i = 0; i < result.skipped_count; i++)
    printf("%d:%d,", result.skipped[i].step, result.skipped[i].error);
  printf(" ");
  if (result.step == START_LAUNCHED) {
    assert(wait_for_child(result.pid, result.pidfd, &info, WEXITED, NULL) == 0);
    assert(info.si_pid == result.pid);
    print_end(&info);
    if (result.pidfd >= 0)
      close(result.pidfd);
  } else {
    printf("none\n");
  }
  assert(waitpid(-1, NULL, WNOHANG | __WALL) == -1 && errno == ECHILD);
  assert(open_descriptors() == before);
}

int main(int argc, char **argv) {
  assert(argc == 3);
  setvbuf(stdout, NULL, _IONBF, 0);
  if (strcmp(argv[1], "exec") == 0) {
    struct program program;
    size_t size;
    unsigned char *bytes = read_file(argv[2], &size);
    assert(program_load(&program, bytes, size) == NULL);
    uint64_t before = open_descriptors();
    struct failure failure = exec_in_place(&program);
    assert(open_descriptors() == before);
    printf("shares=%d %d %d skipped= none\n", vfork_shares_memory(), failure.step, failure.error);
    return 0;
  }
  launch(argv[2]);
  launch(argv[2]);
  return 0;
}
