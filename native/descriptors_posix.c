#define _GNU_SOURCE
#include "descriptors_posix.h"
#include "calls_posix.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define ROOM 256

static int limit_of_descriptors(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > INT_MAX)
    return INT_MAX;
  return (int)limit.rlim_cur;
}

int highest_descriptor(void) {
  int highest = -1;
#if defined(F_MAXFD) /* NetBSD */
  highest = fcntl(0, F_MAXFD);
#elif defined(__APPLE__) || defined(__linux__)
  /* The others' /dev/fd may be three fixed names. */
  DIR *list = opendir("/dev/fd");
  const struct dirent *entry;
  while (list != NULL && (entry = readdir(list)) != NULL) {
    int fd = atoi(entry->d_name);
    if (fd > highest)
      highest = fd;
  }
  if (list != NULL)
    closedir(list);
#endif
  /* Descriptors above a limit that was lowered are not looked for: they would be above all sense.
   */
  if (highest < 0)
    return limit_of_descriptors();
  return highest < INT_MAX - ROOM ? highest + ROOM : INT_MAX;
}

/* The descriptors that an instruction names, two at the most. Returns how many. */
static uint32_t named(const struct instruction *instruction, uint64_t fds[2]) {
  uint32_t count = 0, arguments = 0;
  if (instruction->number == POSIX_CALL_fcntl || instruction->number == POSIX_CALL_ioctl)
    arguments = 1;
  else if (instruction->number == POSIX_CALL_dup3)
    arguments = 2;
  for (uint32_t i = 0; i < arguments; i++) {
    if (INSTRUCTION_KIND(instruction, i) == KIND_IMMEDIATE)
      fds[count++] = instruction->arguments[i];
  }
  return count;
}

int program_uses(const struct program *program, int fd) {
  for (uint32_t i = 0; i < program->count; i++) {
    uint64_t fds[2];
    for (uint32_t n = named(&program->instructions[i], fds); n > 0; n--) {
      if (fds[n - 1] == (uint64_t)fd)
        return 1;
    }
  }
  return 0;
}

uint32_t closed_descriptors(const struct program *program, int *closed) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < program->count; i++) {
    uint64_t fds[2];
    for (uint32_t n = named(&program->instructions[i], fds); n > 0; n--) {
      if (fcntl((int)fds[n - 1], F_GETFD) < 0)
        closed[count++] = (int)fds[n - 1];
    }
  }
  return count;
}
