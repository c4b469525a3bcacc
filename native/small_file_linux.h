/* Small files of /proc and /sys. */
#ifndef FORKEXEC_SMALL_FILE_LINUX_H
#define FORKEXEC_SMALL_FILE_LINUX_H

#include "calls_linux.h"

#include <fcntl.h>
#include <stddef.h>

/* Reads a file into `text`, with a NUL behind it; whether there was anything to read. Any thread;
   blocks as long as the file does. */
static inline int read_small_file(const char *path, char *text, size_t size) {
  long fd = CALL(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return 0;
  long length = CALL(SYS_read, fd, (long)text, (long)size - 1);
  CALL(SYS_close, fd);
  text[length < 0 ? 0 : length] = '\0';
  return length > 0;
}

#endif
