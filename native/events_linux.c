#define _GNU_SOURCE
#include "events.h"
#include "above_stdio.h"
#include "failpoint.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

_Static_assert((int)EVENT_READ == EPOLLIN && (int)EVENT_WRITE == EPOLLOUT &&
                   (int)EVENT_ERROR == EPOLLERR && (int)EVENT_HANG_UP == EPOLLHUP,
               "events are handed on as they are");

static int set = -1;

int events_open(void) {
  if (failpoint(FAILPOINT_EPOLL_CREATE) != 0)
    return ENOMEM;
  set = fd_above_stdio(epoll_create1(EPOLL_CLOEXEC));
  return set < 0 ? errno : 0;
}

void events_close(void) {
  close(set);
  set = -1;
}

static int control(int operation, int fd, uint32_t events, struct watch *watch) {
  struct epoll_event event = {.events = events, .data.ptr = watch};
  return epoll_ctl(set, operation, fd, &event) == 0 ? 0 : errno;
}

int events_add(int fd, struct watch *watch) {
  long fails = failpoint(FAILPOINT_EPOLL_ADD);
  return fails != 0 ? (int)-fails : control(EPOLL_CTL_ADD, fd, EPOLLIN, watch);
}

/* No events yet. EPOLL_CTL_ADD reports an error or a hang-up all the same, once: epoll_ctl(2). */
int events_add_idle(int fd, struct watch *watch) {
  long fails = failpoint(FAILPOINT_EPOLL_ADD);
  return fails != 0 ? (int)-fails : control(EPOLL_CTL_ADD, fd, EPOLLONESHOT, watch);
}

int events_arm(int fd, uint32_t events, struct watch *watch) {
  long fails = failpoint(FAILPOINT_EPOLL_ARM);
  return fails != 0 ? (int)-fails : control(EPOLL_CTL_MOD, fd, events | EPOLLONESHOT, watch);
}

/*
 * close(2) alone takes a descriptor out of an epoll set only when no copy is left. A child between
 * vfork and execve holds copies of all of them, for some microseconds after vfork returned: the set
 * would go on reporting on behalf of a watch that is freed.
 */
void events_remove(int fd) {
  epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL);
}

int events_wait(struct event *events, int milliseconds) {
  struct epoll_event ready[EVENTS_AT_ONCE];
  int count = epoll_wait(set, ready, EVENTS_AT_ONCE, milliseconds);
  for (int i = 0; i < count; i++)
    events[i] = (struct event){ready[i].data.ptr, ready[i].events};
  return count;
}
