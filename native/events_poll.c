#define _GNU_SOURCE
#include "events.h"
#include "spawner.h"
#include "wakeup.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

_Static_assert(EVENT_READ == POLLIN && EVENT_WRITE == POLLOUT && EVENT_ERROR == POLLERR &&
                   EVENT_HANG_UP == POLLHUP,
               "events are handed on as they are");

/* One descriptor of the set. */
struct entry {
  struct watch *watch;
  unsigned long serial; /* tells it from one that had the same number before */
  int fd;
  uint32_t events; /* what is waited for */
  int armed;       /* a hang-up alone is reported too */
  int one_shot;
};

/* The lock guards the entries, and is not held in poll(2): what changes meanwhile wakes it. */
static struct {
  pthread_mutex_t lock;
  struct wakeup changed;
  struct entry *entries;
  size_t count, room;
  unsigned long last_serial;
  int waiting; /* a thread is in poll(2), or about to be */
} set = {.lock = PTHREAD_MUTEX_INITIALIZER};

int events_open(void) {
  return wakeup_open(&set.changed);
}

void events_close(void) {
  wakeup_close(&set.changed);
}

/* The lock is held. */
static struct entry *find_locked(int fd) {
  for (size_t i = 0; i < set.count; i++) {
    if (set.entries[i].fd == fd)
      return &set.entries[i];
  }
  return NULL;
}

/* The lock is held. */
static void changed_locked(void) {
  if (set.waiting)
    wakeup_raise(&set.changed);
}

/* The lock is held. */
static int add_locked(const struct entry *entry) {
  /* epoll and kqueue refuse what is no descriptor, and epoll one that it has. */
  struct pollfd probe = {.fd = entry->fd};
  if (entry->fd < 0 || poll(&probe, 1, 0) < 0 || (probe.revents & POLLNVAL) != 0)
    return EBADF;
  if (find_locked(entry->fd) != NULL)
    return EEXIST;
  if (set.count == set.room) {
    size_t room = set.room == 0 ? 16 : set.room * 2;
    struct entry *entries = realloc(set.entries, room * sizeof *entries);
    if (entries == NULL)
      return ENOMEM;
    set.entries = entries;
    set.room = room;
  }
  set.entries[set.count] = *entry;
  set.entries[set.count++].serial = ++set.last_serial;
  changed_locked();
  return 0;
}

static int add(struct entry entry) {
  pthread_mutex_lock(&set.lock);
  int error = add_locked(&entry);
  pthread_mutex_unlock(&set.lock);
  return error;
}

int events_add(int fd, struct watch *watch) {
  return add((struct entry){.fd = fd, .events = EVENT_READ, .armed = 1, .watch = watch});
}

int events_add_idle(int fd, struct watch *watch) {
  return add((struct entry){.fd = fd, .one_shot = 1, .watch = watch});
}

int events_arm(int fd, uint32_t events, struct watch *watch) {
  pthread_mutex_lock(&set.lock);
  struct entry *entry = find_locked(fd);
  if (entry != NULL) {
    entry->watch = watch;
    entry->events = events;
    entry->armed = 1;
    changed_locked();
  }
  pthread_mutex_unlock(&set.lock);
  return entry == NULL ? ENOENT : 0;
}

void events_remove(int fd) {
  pthread_mutex_lock(&set.lock);
  struct entry *entry = find_locked(fd);
  if (entry != NULL) {
    *entry = set.entries[--set.count];
    changed_locked();
  }
  pthread_mutex_unlock(&set.lock);
}

/* What poll(2) is asked, and whom each line of it is about. The waiting thread's own. */
static struct question {
  struct pollfd *lines;
  unsigned long *serials;
  size_t count, room;
} question;

/* Returns whether there is memory for all. The lock is held. */
static int ask_locked(void) {
  if (question.room < set.count + 1) {
    size_t room = set.room + 1;
    struct pollfd *lines = realloc(question.lines, room * sizeof *lines);
    if (lines != NULL)
      question.lines = lines;
    unsigned long *serials = realloc(question.serials, room * sizeof *serials);
    if (serials != NULL)
      question.serials = serials;
    if (lines == NULL || serials == NULL)
      return 0;
    question.room = room;
  }
  question.lines[0] = (struct pollfd){.fd = set.changed.fd, .events = POLLIN};
  question.count = 1;
  for (size_t i = 0; i < set.count; i++) {
    const struct entry *entry = &set.entries[i];
    if (!entry->armed)
      continue;
    question.serials[question.count] = entry->serial;
    question.lines[question.count++] =
        (struct pollfd){.fd = entry->fd, .events = (short)entry->events};
  }
  return 1;
}

/* Takes the answers about those that are still there. The lock is held. */
static int take_locked(struct event *events) {
  /* From another place each time, so that the first of many don't keep the last from their turn. */
  static size_t begin;
  int count = 0;
  begin++;
  for (size_t n = 1; n < question.count && count < EVENTS_AT_ONCE; n++) {
    size_t i = 1 + (begin + n) % (question.count - 1);
    uint32_t found = (uint32_t)(unsigned short)question.lines[i].revents;
    struct entry *entry = found == 0 ? NULL : find_locked(question.lines[i].fd);
    if (entry == NULL || entry->serial != question.serials[i] || !entry->armed)
      continue;
    found &= entry->events | EVENT_ERROR | EVENT_HANG_UP;
    if (found == 0)
      continue;
    if (entry->one_shot)
      entry->armed = 0;
    events[count++] = (struct event){entry->watch, found};
  }
  return count;
}

int events_wait(struct event *events, int only_look) {
  pthread_mutex_lock(&set.lock);
  if (!ask_locked()) {
    /* Out of memory: whatever was asked before is asked again. */
    only_look = 1;
  }
  set.waiting = 1;
  pthread_mutex_unlock(&set.lock);
  int ready =
      question.count == 0 ? 0 : poll(question.lines, (nfds_t)question.count, only_look ? 0 : -1);
  pthread_mutex_lock(&set.lock);
  set.waiting = 0;
  if (ready > 0 && question.lines[0].revents != 0)
    wakeup_clear(&set.changed);
  int count = ready > 0 ? take_locked(events) : 0;
  pthread_mutex_unlock(&set.lock);
  return count;
}
