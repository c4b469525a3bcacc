#include "watcher.h"
#include "events.h"
#include "thread.h"
#include "wakeup.h"

#include <pthread.h>
#include <stdatomic.h>

/* Requests that can wait, after which the thread is woken all the same: they hold memory. */
#define MOST_LATER 64

static void wakeup_ready(struct watch *watch, uint32_t events);

/* One for the process. The lock guards the queue and the start, and is held for microseconds. */
static struct {
  pthread_mutex_t lock;
  int running;
  struct wakeup wakeup;
  struct watch wakeup_watch;
  struct queue requests;
  int woken; /* for requests, which the thread has not seen yet */
  int later; /* requests for which it was not woken */
  int (*_Atomic turn)(void);
} watcher = {.lock = PTHREAD_MUTEX_INITIALIZER, .wakeup_watch = {wakeup_ready}};

/* The watcher's thread. */
static void wakeup_ready(struct watch *watch, uint32_t events) {
  (void)watch;
  (void)events;
  wakeup_clear(&watcher.wakeup);
}

/* Carries out the requests that wait. The watcher's thread only. */
static void run_requests(void) {
  pthread_mutex_lock(&watcher.lock);
  struct queue requests = watcher.requests;
  watcher.requests = (struct queue){0};
  watcher.woken = watcher.later = 0;
  pthread_mutex_unlock(&watcher.lock);
  struct request *request;
  while ((request = (void *)queue_take(&requests)) != NULL)
    request->run(request);
}

static void watcher_main(struct thread *unused) {
  (void)unused;
  struct event events[EVENTS_AT_ONCE];
  int wait = 0;
  for (;;) {
    int count = events_wait(events, wait);
    for (int i = 0; i < count; i++)
      events[i].watch->ready(events[i].watch, events[i].events);
    run_requests();
    int (*turn)(void) = atomic_load(&watcher.turn);
    wait = turn == NULL ? -1 : turn();
  }
}

static struct thread watcher_thread = {watcher_main, "forkexec-watch"};

/* The lock is held. Leaves nothing open when it fails. */
static int start_locked(void) {
  int error = events_open();
  if (error != 0)
    return error;
  error = wakeup_open(&watcher.wakeup);
  if (error == 0) {
    error = events_add(watcher.wakeup.fd, &watcher.wakeup_watch);
    if (error == 0)
      error = thread_start(&watcher_thread);
    if (error != 0)
      wakeup_close(&watcher.wakeup);
  }
  if (error != 0)
    events_close();
  watcher.running = error == 0;
  return error;
}

int watcher_start(void) {
  pthread_mutex_lock(&watcher.lock);
  int error = watcher.running ? 0 : start_locked();
  pthread_mutex_unlock(&watcher.lock);
  return error;
}

void watcher_wake(void) {
  wakeup_raise(&watcher.wakeup);
}

int watcher_wakeup_fd(void) {
  return watcher.wakeup.raised;
}

void watcher_request(struct request *request) {
  pthread_mutex_lock(&watcher.lock);
  int wake = !watcher.woken;
  watcher.woken = 1;
  queue_add(&watcher.requests, &request->link);
  pthread_mutex_unlock(&watcher.lock);
  /* Where others wait already, the thread was woken for them and will find this one too. */
  if (wake)
    watcher_wake();
}

void watcher_request_later(struct request *request) {
  pthread_mutex_lock(&watcher.lock);
  queue_add(&watcher.requests, &request->link);
  int wake = ++watcher.later >= MOST_LATER && !watcher.woken;
  watcher.woken |= wake;
  pthread_mutex_unlock(&watcher.lock);
  if (wake)
    watcher_wake();
}

void watcher_each_turn(int (*turn)(void)) {
  atomic_store(&watcher.turn, turn);
}
