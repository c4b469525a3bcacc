/* kqueue(2) on macOS and FreeBSD: descriptors, and the end of children. */
#define _GNU_SOURCE /* Linux: waitid */
#include "events.h"
#include "above_stdio.h"
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
  return set < 0 ? errno : 0;
}

void events_close(void) {
  close(set);
  set = -1;
}

static int change(int fd, int filter, int flags, struct watch *watch) {
  struct kevent event;
  unsigned note = filter == EVFILT_USER ? NOTE_TRIGGER : 0; /* it has happened already */
  EV_SET(&event, (uintptr_t)fd, (short)filter, (unsigned short)flags, note, 0, watch);
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
 * The filter for writing reports that a pipe has no reader. Where room to write is not asked
 * for, that filter reports each change once, and events_wait drops what is not a hang-up. A pipe
 * that has no reader any more is refused with EPIPE: then the queue is made to report the hang-up.
 *
 * The filters of before are removed first: not all systems change the flags of a filter.
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
  if (error == EPIPE)
    error = change(fd, EVFILT_USER, EV_ADD | EV_ONESHOT, watch);
  return error;
}

void events_remove(int fd) {
  change(fd, EVFILT_READ, EV_DELETE, NULL);
  change(fd, EVFILT_WRITE, EV_DELETE, NULL);
  change(fd, EVFILT_USER, EV_DELETE, NULL);
}

/* What is reported; 0 for nothing that was asked for. The end of what is read is read as well. */
static uint32_t events_of(const struct kevent *event) {
  uint32_t error = (event->flags & EV_ERROR) != 0 ? EVENT_ERROR : 0;
  if (event->filter == EVFILT_READ)
    return EVENT_READ | error;
  if (event->filter == EVFILT_USER || (event->flags & EV_EOF) != 0)
    return EVENT_WRITE | EVENT_HANG_UP | error;
  return (event->flags & EV_CLEAR) != 0 ? error : EVENT_WRITE | error;
}

/* One filter of a watch has reported, once: none of them is to report again. */
static void disarm(const struct kevent *event) {
  if ((event->flags & (EV_ONESHOT | EV_CLEAR)) != 0)
    events_remove((int)event->ident);
}

/*
 * The queue may report the end a moment before the process can be reaped, and `ended` looks once:
 * this waits for that moment, microseconds, and takes nothing.
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

int events_wait(struct event *events, int milliseconds) {
  const struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
  struct kevent ready[EVENTS_AT_ONCE];
  int found = kevent(set, NULL, 0, ready, EVENTS_AT_ONCE, milliseconds < 0 ? NULL : &time);
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

/* ---- waiter.h: no thread is needed where the queue reports the end of a process ---- */

/* The queue is open once the watcher has been started. */
int waiter_start(void) {
  return set < 0 ? EBADF : 0;
}

/* ESRCH: it has ended, and is not reaped yet. FreeBSD reports that through the queue. */
void waiter_add(struct child_wait *wait) {
  struct kevent event;
  EV_SET(&event, (uintptr_t)wait->pid, EVFILT_PROC, EV_ADD | EV_ONESHOT, NOTE_EXIT, 0, wait);
  if (kevent(set, &event, 1, NULL, 0, NULL) != 0)
    tell_end(wait);
}
