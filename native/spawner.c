#define _GNU_SOURCE
#include "spawner.h"
#include "environment.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EVENTS_AT_ONCE 64
#define LOWEST_FD 3
#define WAKE_EVERY 8
#define STACK_SIZE (128u << 10)

static void wakeup_ready(struct watch *watch, uint32_t events);

/* One for the process. The lock guards the queue and the start, and is held for microseconds. */
static struct {
  pthread_mutex_t lock;
  int running;
  int epoll, wakeup;
  struct watch wakeup_watch;
  struct request *first, *last;
} spawner = {.lock = PTHREAD_MUTEX_INITIALIZER, .wakeup_watch = {wakeup_ready}};

int fd_above_stdio(int fd) {
  if (fd < 0 || fd >= LOWEST_FD)
    return fd;
  int moved = fcntl(fd, F_DUPFD_CLOEXEC, LOWEST_FD);
  if (moved < 0)
    return fd; /* no number is left: a low one still works */
  close(fd);
  return moved;
}

int spawner_watch(int operation, int fd, uint32_t events, struct watch *watch) {
  struct epoll_event event = {.events = events, .data.ptr = watch};
  return epoll_ctl(spawner.epoll, operation, fd, &event) == 0 ? 0 : errno;
}

/*
 * close(2) alone takes a descriptor out of an epoll set only when no copy is left. A child between
 * vfork and execve holds copies of all of them, for some microseconds after vfork returned: the set
 * would go on reporting on behalf of a watch that is freed.
 */
void spawner_unwatch(int fd) {
  epoll_ctl(spawner.epoll, EPOLL_CTL_DEL, fd, NULL);
}

static void wake_spawner(void) {
  uint64_t one = 1;
  ssize_t ignored = write(spawner.wakeup, &one, sizeof one); /* a full counter wakes as well */
  (void)ignored;
}

static void wakeup_ready(struct watch *watch, uint32_t events) {
  (void)watch;
  (void)events;
  uint64_t count;
  ssize_t ignored = read(spawner.wakeup, &count, sizeof count);
  (void)ignored;
}

/* Carries out the oldest request. Returns whether more are waiting. The spawner's thread only. */
static int run_next(void) {
  pthread_mutex_lock(&spawner.lock);
  struct request *request = spawner.first;
  if (request != NULL) {
    spawner.first = request->next;
    if (spawner.first == NULL)
      spawner.last = NULL;
  }
  int more = spawner.first != NULL;
  pthread_mutex_unlock(&spawner.lock);
  if (request != NULL)
    request->run(request);
  return more;
}

static void *spawner_main(void *unused) {
  (void)unused;
  pthread_setname_np(pthread_self(), "forkexec");
  struct epoll_event events[EVENTS_AT_ONCE];
  int more = 0, unwoken = 0;
  for (;;) {
    /* One request a turn: a launch takes a while, and exits and data don't wait for a queue. */
    int count = epoll_wait(spawner.epoll, events, EVENTS_AT_ONCE, more ? 0 : -1);
    for (int i = 0; i < count; i++) {
      struct watch *watch = events[i].data.ptr;
      watch->ready(watch, events[i].events);
    }
    more = run_next();
    /* While launches wait, JavaScript is woken for several completions at once: its thread would
       take a processor from the very children that it launches. */
    if (!more || ++unwoken >= WAKE_EVERY) {
      environments_wake();
      unwoken = 0;
    }
  }
  return NULL;
}

/* Creates the thread with all signals blocked, so that none is ever handled on it. */
static int create_thread(void) {
  sigset_t all, before;
  pthread_attr_t attributes;
  pthread_t thread;
  sigfillset(&all);
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, STACK_SIZE);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&thread, &attributes, spawner_main, NULL);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  return error;
}

/* The lock is held. Leaves nothing open when it fails. */
static int start_locked(void) {
  spawner.epoll = fd_above_stdio(epoll_create1(EPOLL_CLOEXEC));
  if (spawner.epoll < 0)
    return errno;
  int error;
  spawner.wakeup = fd_above_stdio(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (spawner.wakeup < 0) {
    error = errno;
  } else {
    error = spawner_watch(EPOLL_CTL_ADD, spawner.wakeup, EPOLLIN, &spawner.wakeup_watch);
    if (error == 0)
      error = create_thread();
    if (error != 0)
      close(spawner.wakeup);
  }
  if (error != 0)
    close(spawner.epoll);
  spawner.running = error == 0;
  return error;
}

int spawner_start(void) {
  pthread_mutex_lock(&spawner.lock);
  int error = spawner.running ? 0 : start_locked();
  pthread_mutex_unlock(&spawner.lock);
  return error;
}

void spawner_request(struct request *request) {
  request->next = NULL;
  pthread_mutex_lock(&spawner.lock);
  int idle = spawner.last == NULL;
  if (idle)
    spawner.first = request;
  else
    spawner.last->next = request;
  spawner.last = request;
  pthread_mutex_unlock(&spawner.lock);
  /* While others wait, the thread looks again by itself. */
  if (idle)
    wake_spawner();
}
