#define _GNU_SOURCE
#include "spawner.h"
#include "environment.h"
#include "thread.h"
#include "wakeup.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#define LOWEST_FD 3
#define WAKE_EVERY 8

static void wakeup_ready(struct watch *watch, uint32_t events);

/* One for the process. The lock guards the queue and the start, and is held for microseconds. */
static struct {
  pthread_mutex_t lock;
  int running;
  struct wakeup wakeup;
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

int pipe_above_stdio(int fds[2]) {
#if defined(__APPLE__)
  /* A child that something else launches in between inherits it; one of ours does not. */
  if (pipe(fds) != 0)
    return errno;
  for (int i = 0; i < 2; i++)
    fcntl(fds[i], F_SETFD, FD_CLOEXEC);
#else
  if (pipe2(fds, O_CLOEXEC) != 0)
    return errno;
#endif
  fds[0] = fd_above_stdio(fds[0]);
  fds[1] = fd_above_stdio(fds[1]);
  return 0;
}

/* The spawner's thread. */
static void wakeup_ready(struct watch *watch, uint32_t events) {
  (void)watch;
  (void)events;
  wakeup_clear(&spawner.wakeup);
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

static void spawner_main(void) {
  struct event events[EVENTS_AT_ONCE];
  int more = 0, unwoken = 0;
  for (;;) {
    /* One request a turn: a launch takes a while, and exits and data don't wait for a queue. */
    int count = events_wait(events, more);
    for (int i = 0; i < count; i++)
      events[i].watch->ready(events[i].watch, events[i].events);
    more = run_next();
    /* While launches wait, JavaScript is woken for several completions at once: its thread would
       take a processor from the very children that it launches. */
    if (!more || ++unwoken >= WAKE_EVERY) {
      environments_wake();
      unwoken = 0;
    }
  }
}

/* The lock is held. Leaves nothing open when it fails. */
static int start_locked(void) {
  int error = events_open();
  if (error != 0)
    return error;
  error = wakeup_open(&spawner.wakeup);
  if (error == 0) {
    error = events_add(spawner.wakeup.fd, &spawner.wakeup_watch);
    if (error == 0)
      error = thread_start("forkexec", spawner_main);
    if (error != 0)
      wakeup_close(&spawner.wakeup);
  }
  if (error != 0)
    events_close();
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
    wakeup_raise(&spawner.wakeup);
}
