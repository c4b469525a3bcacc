/*
 * kqueue(2) on Linux, as far as native/events_posix.c uses it: no package has one. One queue for
 * the process.
 *
 * Where the systems differ this is the stricter of FreeBSD and macOS: a pipe that nobody reads any
 * more is refused with EPIPE by EVFILT_WRITE, and a process that has ended with ESRCH by
 * EVFILT_PROC; a filter for a direction in which the descriptor is not open never reports anything.
 */
#define _GNU_SOURCE
#include "../../../native/above_stdio.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/event.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* One filter of the queue. */
struct note {
  struct note *next;
  struct kevent event;
  int fd;    /* what epoll watches: the descriptor, a pidfd or an eventfd */
  int set;   /* the set that it is in, or -1 */
  int owned; /* whether `fd` is ours to close */
};

/* An epoll set takes a descriptor once: each filter has its own, and the queue is a set of them. */
enum { READERS, WRITERS, OTHERS, SETS };

/* The lock guards the notes, and is not held while a thread waits. */
static struct {
  pthread_mutex_t lock;
  int sets[SETS];
  struct note *notes;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

int kqueue(void) {
  int queue = epoll_create1(0);
  for (int i = 0; queue >= 0 && i < SETS; i++) {
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
    if (state.sets[i] == 0) {
      int low = epoll_create1(EPOLL_CLOEXEC);
      state.sets[i] = fcntl(low, F_DUPFD_CLOEXEC, 3);
      close(low);
    }
    epoll_ctl(queue, EPOLL_CTL_ADD, state.sets[i], &event);
  }
  return queue;
}

static struct note **find_locked(const struct kevent *event) {
  struct note **at = &state.notes;
  while (*at != NULL &&
         ((*at)->event.ident != event->ident || (*at)->event.filter != event->filter))
    at = &(*at)->next;
  return at;
}

static void delete_locked(struct note **at) {
  struct note *note = *at;
  *at = note->next;
  if (note->set >= 0)
    epoll_ctl(note->set, EPOLL_CTL_DEL, note->fd, NULL);
  if (note->owned)
    close(note->fd);
  free(note);
}

static int poll_now(int fd, short events) {
  struct pollfd line = {.fd = fd, .events = events};
  return poll(&line, 1, 0) > 0 ? line.revents : 0;
}

/* A descriptor that a real queue would not need: no child may inherit it as one of 0 to 2. */
static void open_own(struct note *note) {
  const struct kevent *event = &note->event;
  int held = stdio_hold();
  int low = event->filter == EVFILT_PROC
                ? (int)syscall(SYS_pidfd_open, event->ident, 0)
                : eventfd((event->fflags & NOTE_TRIGGER) != 0, EFD_CLOEXEC);
  note->fd = fcntl(low, F_DUPFD_CLOEXEC, 3);
  note->owned = note->fd >= 0;
  close(low);
  stdio_release(held);
}

/* Finds what epoll is to watch. Returns 0 or a positive errno; `note->set` is -1 for nothing. */
static int attach(struct note *note) {
  const struct kevent *event = &note->event;
  int fd = note->fd = (int)event->ident;
  int mode = event->filter == EVFILT_READ || event->filter == EVFILT_WRITE ? fcntl(fd, F_GETFL) : 0;
  struct stat status;
  if (mode < 0)
    return EBADF;
  note->set = state.sets[OTHERS];
  switch (event->filter) {
  case EVFILT_READ:
    note->set = (mode & O_ACCMODE) == O_WRONLY ? -1 : state.sets[READERS];
    return 0;
  case EVFILT_WRITE:
    note->set = (mode & O_ACCMODE) == O_RDONLY ? -1 : state.sets[WRITERS];
    if (note->set >= 0 && fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode) &&
        (poll_now(fd, POLLOUT) & POLLERR) != 0)
      return EPIPE;
    return 0;
  case EVFILT_PROC:
    open_own(note);
    return note->owned && poll_now(note->fd, POLLIN) == 0 ? 0 : ESRCH;
  case EVFILT_USER:
    open_own(note);
    return note->owned ? 0 : ENOMEM;
  default:
    return EINVAL;
  }
}

static int add_locked(const struct kevent *event) {
  struct note **old = find_locked(event);
  if (*old != NULL)
    delete_locked(old);
  struct note *note = calloc(1, sizeof *note);
  if (note == NULL)
    return ENOMEM;
  *note = (struct note){.next = state.notes, .event = *event, .set = -1};
  state.notes = note;
  int error = attach(note);
  uint32_t wanted = event->filter == EVFILT_WRITE ? EPOLLOUT : EPOLLIN;
  struct epoll_event entry = {
      .events = wanted | ((event->flags & EV_CLEAR) != 0 ? EPOLLET : 0),
      .data.ptr = note,
  };
  if (error == 0 && note->set >= 0 && epoll_ctl(note->set, EPOLL_CTL_ADD, note->fd, &entry) != 0) {
    error = errno;
    note->set = -1;
  }
  if (error == 0 && (event->flags & EV_DISABLE) != 0 && note->set >= 0) {
    epoll_ctl(note->set, EPOLL_CTL_DEL, note->fd, NULL);
    note->set = -1;
  }
  if (error != 0)
    delete_locked(&state.notes);
  return error;
}

/* Returns 0 or a positive errno. */
static int apply(const struct kevent *event) {
  int error = 0;
  pthread_mutex_lock(&state.lock);
  if ((event->flags & EV_ADD) != 0) {
    error = add_locked(event);
  } else {
    struct note **at = find_locked(event);
    if (*at == NULL)
      error = ENOENT;
    else if ((event->flags & EV_DELETE) != 0)
      delete_locked(at);
  }
  pthread_mutex_unlock(&state.lock);
  return error;
}

/* Takes what has happened, without waiting. Returns how many there are. */
static int take(struct kevent *events, int room) {
  int count = 0;
  pthread_mutex_lock(&state.lock);
  for (int set = 0; set < SETS && count < room; set++) {
    struct epoll_event ready[64];
    int most = room - count < 64 ? room - count : 64;
    int found = epoll_wait(state.sets[set], ready, most, 0);
    for (int i = 0; i < found; i++) {
      struct note *note = ready[i].data.ptr;
      uint32_t end = set == READERS   ? EPOLLHUP | EPOLLRDHUP | EPOLLERR
                     : set == WRITERS ? EPOLLHUP | EPOLLERR
                                      : 0;
      events[count] = note->event;
      if ((ready[i].events & end) != 0)
        events[count].flags |= EV_EOF;
      count++;
      if ((note->event.flags & EV_ONESHOT) != 0)
        delete_locked(find_locked(&note->event));
    }
  }
  pthread_mutex_unlock(&state.lock);
  return count;
}

int kevent(int queue, const struct kevent *changes, int change_count, struct kevent *events,
           int event_count, const struct timespec *timeout) {
  for (int i = 0; i < change_count; i++) {
    int error = apply(&changes[i]);
    if (error != 0) {
      errno = error;
      return -1;
    }
  }
  int milliseconds =
      timeout == NULL ? -1 : (int)(timeout->tv_sec * 1000 + timeout->tv_nsec / 1000000);
  while (event_count > 0) {
    struct epoll_event ready[SETS];
    if (epoll_wait(queue, ready, SETS, milliseconds) < 0)
      return -1;
    int count = take(events, event_count);
    if (count > 0 || timeout != NULL)
      return count;
  }
  return 0;
}
