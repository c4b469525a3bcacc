#include "spawner.h"
#include "events.h"
#include "thread.h"
#include "wakeup.h"

#include <pthread.h>
#include <stdatomic.h>

#define TURNS_WHILE_BUSY 8

static void wakeup_ready(struct watch *watch, uint32_t events);

/* One for the process. The lock guards the queue and the start, and is held for microseconds. */
static struct {
  pthread_mutex_t lock;
  int running;
  struct wakeup wakeup;
  struct watch wakeup_watch;
  struct queue requests;
  void (*_Atomic turn_ended)(void);
} spawner = {.lock = PTHREAD_MUTEX_INITIALIZER, .wakeup_watch = {wakeup_ready}};

/* The spawner's thread. */
static void wakeup_ready(struct watch *watch, uint32_t events) {
  (void)watch;
  (void)events;
  wakeup_clear(&spawner.wakeup);
}

/* Carries out the oldest request. Returns whether more are waiting. The spawner's thread only. */
static int run_next(void) {
  pthread_mutex_lock(&spawner.lock);
  struct request *request = (void *)queue_take(&spawner.requests);
  int more = spawner.requests.first != NULL;
  pthread_mutex_unlock(&spawner.lock);
  if (request != NULL)
    request->run(request);
  return more;
}

static void spawner_main(struct thread *unused) {
  (void)unused;
  struct event events[EVENTS_AT_ONCE];
  int more = 0, turns = 0;
  for (;;) {
    /* One request a turn: a launch takes a while, and exits and data don't wait for a queue. */
    int count = events_wait(events, more);
    for (int i = 0; i < count; i++)
      events[i].watch->ready(events[i].watch, events[i].events);
    more = run_next();
    /* While launches wait, JavaScript is woken for several completions at once: its thread would
       take a processor from the children that it launches. */
    if (!more || ++turns >= TURNS_WHILE_BUSY) {
      void (*turn_ended)(void) = atomic_load(&spawner.turn_ended);
      if (turn_ended != NULL)
        turn_ended();
      turns = 0;
    }
  }
}

static struct thread spawner_thread = {spawner_main, "forkexec"};

/* The lock is held. Leaves nothing open when it fails. */
static int start_locked(void) {
  int error = events_open();
  if (error != 0)
    return error;
  error = wakeup_open(&spawner.wakeup);
  if (error == 0) {
    error = events_add(spawner.wakeup.fd, &spawner.wakeup_watch);
    if (error == 0)
      error = thread_start(&spawner_thread);
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
  pthread_mutex_lock(&spawner.lock);
  int idle = spawner.requests.first == NULL;
  queue_add(&spawner.requests, &request->link);
  pthread_mutex_unlock(&spawner.lock);
  /* While requests wait, the thread looks again on its own. */
  if (idle)
    wakeup_raise(&spawner.wakeup);
}

void spawner_after_turns(void (*turn_ended)(void)) {
  atomic_store(&spawner.turn_ended, turn_ended);
}
