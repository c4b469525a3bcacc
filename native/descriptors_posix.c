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

int program_uses(const struct program *program, int fd) {
  for (uint32_t i = 0; i < program->count; i++) {
    const struct instruction *at = &program->instructions[i];
    int first = at->number == CALL_fcntl || at->number == CALL_ioctl || at->number == CALL_dup3;
    if (first && at->arguments[0] == (uint64_t)fd)
      return 1;
    if (at->number == CALL_dup3 && at->arguments[1] == (uint64_t)fd)
      return 1;
  }
  return 0;
}
