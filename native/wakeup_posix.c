#include "wakeup.h"
#include "above_stdio.h"

#include <fcntl.h>
#include <unistd.h>

int wakeup_open(struct wakeup *wakeup) {
  int fds[2];
  int error = pipe_above_stdio(fds);
  if (error != 0)
    return error;
  for (int i = 0; i < 2; i++)
    fcntl(fds[i], F_SETFL, O_NONBLOCK);
  wakeup->fd = fds[0];
  wakeup->raised = fds[1];
  return 0;
}

void wakeup_close(struct wakeup *wakeup) {
  close(wakeup->fd);
  close(wakeup->raised);
}

void wakeup_raise(const struct wakeup *wakeup) {
  ssize_t ignored = write(wakeup->raised, "", 1); /* a full pipe wakes as well */
  (void)ignored;
}

void wakeup_clear(const struct wakeup *wakeup) {
  char bytes[256];
  while (read(wakeup->fd, bytes, sizeof bytes) == (ssize_t)sizeof bytes)
    continue;
}
