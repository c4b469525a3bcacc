/* macOS and the BSDs: descriptors, and the end of children. */
#include "events.h"
#include "spawner.h"
#include "waiter.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/event.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static int set = -1;

int events_open(void) {
  int queue = kqueue();
  if (queue < 0)
    return errno;
  fcntl(queue, F_SETFD, FD_CLOEXEC); /* fork does not hand it on, either */
  set = fd_above_stdio(queue);
  return 0;
}

void events_close(void) {
  close(set);
  set = -1;
}

static int change(int fd, int filter, int flags, struct watch *watch) {
  struct kevent event;
  EV_SET(&event, (uintptr_t)fd, (short)filter, (unsigned short)flags, 0, 0, watch);
  return kevent(set, &event, 1, NULL, 0, NULL) == 0 ? 0 : errno;
}

int events_add(int fd, struct watch *watch) {
  return change(fd, EVFILT_READ, EV_ADD, watch);
}

/* Nothing is in the queue until it is armed; only whether it could be is found out. */
int events_add_idle(int fd, struct watch *watch) {
  int error = change(fd, EVFILT_READ, EV_ADD | EV_DISABLE, watch);
  if (error == 0)
    change(fd, EVFILT_READ, EV_DELETE, NULL);
  return error;
}

/*
 * That nobody reads any more is seen on the writing side alone. Where room to write is not asked
 * for, the filter is to be told of changes, or it would go on reporting room; events_wait drops
 * those.
 *
 * What is there already is taken out first: not all systems change the flags of a filter.
 */
int events_arm(int fd, uint32_t events, struct watch *watch) {
  int error = 0;
  events_remove(fd);
  if ((events & EVENT_READ) != 0)
    error = change(fd, EVFILT_READ, EV_ADD | EV_ONESHOT, watch);
  if (error == 0 && (events & EVENT_WRITE) != 0)
    error = change(fd, EVFILT_WRITE, EV_ADD | EV_ONESHOT, watch);
  if (error == 0 && events == 0)
    error = change(fd, EVFILT_WRITE, EV_ADD | EV_CLEAR, watch);
  return error;
}

void events_remove(int fd) {
  change(fd, EVFILT_READ, EV_DELETE, NULL);
  change(fd, EVFILT_WRITE, EV_DELETE, NULL);
}

/* What is reported; 0 for nothing that was asked for. The end of what is read is read as well. */
static uint32_t events_of(const struct kevent *event) {
  uint32_t error = (event->flags & EV_ERROR) != 0 ? EVENT_ERROR : 0;
  if (event->filter == EVFILT_READ)
    return EVENT_READ | error;
  if ((event->flags & EV_EOF) != 0)
    return EVENT_WRITE | EVENT_HANG_UP | error;
  return (event->flags & EV_CLEAR) != 0 ? error : EVENT_WRITE | error;
}

/* One of the filters of a watch was reported, once: neither is to be again. */
static void disarm(const struct kevent *event) {
  if ((event->flags & (EV_ONESHOT | EV_CLEAR)) != 0)
    events_remove((int)event->ident);
}

/*
 * The queue may tell the end a moment before the process can be reaped, and whoever is told looks
 * once: this waits for it, microseconds, and takes nothing.
 */
static void tell_end(struct child_wait *wait) {
  siginfo_t info;
  while (waitid(P_PID, (id_t)wait->pid, &info, WEXITED | WNOWAIT) != 0 && errno == EINTR)
    continue;
  wait->ended(wait);
}

static int add_event(struct event *events, int count, struct watch *watch, uint32_t what) {
  for (int i = 0; i < count; i++) {
    if (events[i].watch == watch) {
      events[i].events |= what;
      return count;
    }
  }
  events[count] = (struct event){watch, what};
  return count + 1;
}

int events_wait(struct event *events, int only_look) {
  static const struct timespec at_once = {0, 0};
  struct kevent ready[EVENTS_AT_ONCE];
  int found = kevent(set, NULL, 0, ready, EVENTS_AT_ONCE, only_look ? &at_once : NULL);
  int count = 0;
  for (int i = 0; i < found; i++) {
    if (ready[i].filter == EVFILT_PROC) {
      tell_end((struct child_wait *)ready[i].udata);
      continue;
    }
    uint32_t what = events_of(&ready[i]);
    if (what == 0)
      continue;
    disarm(&ready[i]);
    count = add_event(events, count, (struct watch *)ready[i].udata, what);
  }
  return count;
}

/* ---- waiter.h: no thread is needed where the queue tells the end of a process ---- */

int waiter_start(void) {
  return spawner_start();
}

/* Once it has ended the kernel says ESRCH, though it is not reaped yet. */
void waiter_add(struct child_wait *wait) {
  struct kevent event;
  EV_SET(&event, (uintptr_t)wait->pid, EVFILT_PROC, EV_ADD | EV_ONESHOT, NOTE_EXIT, 0, wait);
  if (kevent(set, &event, 1, NULL, 0, NULL) != 0)
    tell_end(wait);
}
