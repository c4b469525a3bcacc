#define _GNU_SOURCE
#include "descriptors_posix.h"
#include "program.h"

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
#if defined(__APPLE__) || defined(__linux__)
  /* FreeBSD's /dev/fd may be three fixed names. */
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

uint32_t closed_descriptors(const struct program *program, int *closed) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < program->count; i++) {
    uint64_t fds[2];
    for (uint32_t n = program_descriptors(&program->instructions[i], fds); n > 0; n--) {
      if (fcntl((int)fds[n - 1], F_GETFD) < 0)
        closed[count++] = (int)fds[n - 1];
    }
  }
  return count;
}
