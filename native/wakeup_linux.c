#define _GNU_SOURCE
#include "wakeup.h"
#include "above_stdio.h"
#include "failpoint.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

int wakeup_open(struct wakeup *wakeup) {
  if (failpoint(FAILPOINT_EVENTFD) != 0)
    return EMFILE;
  wakeup->fd = wakeup->raised = fd_above_stdio(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  return wakeup->fd < 0 ? errno : 0;
}

void wakeup_close(struct wakeup *wakeup) {
  close(wakeup->fd);
}

void wakeup_raise(const struct wakeup *wakeup) {
  uint64_t one = 1;
  ssize_t ignored = write(wakeup->raised, &one, sizeof one); /* a full counter wakes as well */
  (void)ignored;
}

void wakeup_clear(const struct wakeup *wakeup) {
  uint64_t count;
  ssize_t ignored = read(wakeup->fd, &count, sizeof count);
  (void)ignored;
}
