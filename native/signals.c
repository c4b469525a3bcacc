#define _GNU_SOURCE
#include "signals.h"
#include "signal_handler.h"
#include "signal_order.h"
#include "spawner.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>

/* Who wants which signals: one for each environment that wants any. */
struct subscriber {
  struct subscriber *next;
  struct environment *environment;
  double token;
  uint64_t set;
};

static struct {
  pthread_mutex_t lock;
  int started;
  struct subscriber *first;
} subscribers = {.lock = PTHREAD_MUTEX_INITIALIZER};

static uint64_t bit_of(int number) {
  return (uint64_t)1 << (number - 1);
}

/* Nobody is there to take it. Any thread. */
static void discard_delivery(struct completion *completion) {
  free(completion->owner);
}

/* The spawner's thread; the lock is held. */
static void deliver_to(const struct subscriber *subscriber, const struct signal_info *info,
                       uint32_t dropped) {
  struct signal_delivery *delivery = calloc(1, sizeof *delivery);
  if (delivery == NULL)
    return;
  delivery->completion = (struct completion){
      .kind = COMPLETION_SIGNAL, .owner = delivery, .discard = discard_delivery};
  delivery->token = subscriber->token;
  delivery->info = *info;
  delivery->dropped = dropped;
  environment_deliver(subscriber->environment, &delivery->completion);
}

/* The spawner's thread. */
static void empty_ring(void) {
  struct signal_info info;
  uint32_t dropped;
  pthread_mutex_lock(&subscribers.lock);
  while (ring_take(&info, &dropped)) {
    for (const struct subscriber *at = subscribers.first; at != NULL; at = at->next) {
      if (at->set & bit_of(info.number))
        deliver_to(at, &info, dropped);
    }
  }
  pthread_mutex_unlock(&subscribers.lock);
}

/* The lock is held. */
static struct subscriber **find_locked(const struct environment *environment) {
  struct subscriber **at = &subscribers.first;
  while (*at != NULL && (*at)->environment != environment)
    at = &(*at)->next;
  return at;
}

/* Says that the environment wants a signal. */
static int subscribe(struct environment *environment, double token, int number) {
  pthread_mutex_lock(&subscribers.lock);
  int error = subscribers.started ? 0 : ring_open(empty_ring);
  if (error == 0) {
    subscribers.started = 1;
    struct subscriber **found = find_locked(environment);
    if (*found == NULL && (*found = calloc(1, sizeof **found)) == NULL) {
      error = ENOMEM;
    } else {
      (*found)->environment = environment;
      (*found)->token = token;
      (*found)->set |= bit_of(number);
    }
  }
  pthread_mutex_unlock(&subscribers.lock);
  return error;
}

/* Says that it wants it no more. Returns whether it did. */
static int unsubscribe(struct environment *environment, int number) {
  pthread_mutex_lock(&subscribers.lock);
  struct subscriber *subscriber = *find_locked(environment);
  int wanted = subscriber != NULL && (subscriber->set & bit_of(number)) != 0;
  if (wanted)
    subscriber->set &= ~bit_of(number);
  pthread_mutex_unlock(&subscribers.lock);
  return wanted;
}

int signals_watch(struct environment *environment, double token, int number) {
  /* Before there is a handler: nothing that it takes is lost. */
  int error = subscribe(environment, token, number);
  if (error != 0)
    return error;
  error = handler_add(number);
  if (error != 0)
    unsubscribe(environment, number);
  else if (number >= SIGRTMIN && handler_add(ORDER_CARRIER) == 0) {
    order_confine(number);
    handler_remove(ORDER_CARRIER);
  }
  return error;
}

/* A thread that waits until the spawner has emptied the ring. */
struct flush {
  struct request request;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int done;
};

/* The spawner's thread. */
static void run_flush(struct request *request) {
  struct flush *flush = (void *)request; /* its first member */
  empty_ring();
  pthread_mutex_lock(&flush->lock);
  flush->done = 1;
  pthread_cond_signal(&flush->changed);
  pthread_mutex_unlock(&flush->lock);
}

/* Waits until every signal that a handler has taken is among its environment's completions. */
static void flush_ring(void) {
  /* A handler that has begun has not necessarily put its signal into the ring yet. */
  handler_settle();
  /* Who empties the ring holds the lock until all of it is delivered. */
  pthread_mutex_lock(&subscribers.lock);
  int empty = ring_is_empty();
  pthread_mutex_unlock(&subscribers.lock);
  if (empty)
    return; /* without waiting for a spawner that is busy with a slow launch */
  struct flush flush = {{NULL, run_flush}, PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
  spawner_request(&flush.request);
  pthread_mutex_lock(&flush.lock);
  while (!flush.done)
    pthread_cond_wait(&flush.changed, &flush.lock);
  pthread_mutex_unlock(&flush.lock);
}

int signals_unwatch(struct environment *environment, int number) {
  int error = handler_remove(number);
  /* What was taken until now is this environment's; only then does it want no more. */
  flush_ring();
  unsubscribe(environment, number);
  return error;
}

void signals_forget(struct environment *environment) {
  pthread_mutex_lock(&subscribers.lock);
  struct subscriber **found = find_locked(environment);
  struct subscriber *subscriber = *found;
  if (subscriber != NULL)
    *found = subscriber->next;
  pthread_mutex_unlock(&subscribers.lock);
  for (int number = 1; subscriber != NULL && number <= SIGNAL_LAST; number++) {
    if (subscriber->set & bit_of(number))
      handler_remove(number);
  }
  free(subscriber);
}
