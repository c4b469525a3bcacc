#define _GNU_SOURCE
#include "signals.h"
#include "protocol.h"
#include "signal_entry.h"
#include "signal_handler.h"
#include "signal_order.h"
#include "watcher.h"
#include "thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>

/* Deliveries that wait for a JavaScript thread which is busy; more are dropped, and counted. */
#define WAITING_MAX (1u << 17)

/* One signal on its way to one JavaScript thread. */
struct delivery {
  struct completion completion;
  struct environment *environment;
  double token;
  struct signal_info info;
  uint32_t dropped; /* of this number, since the last one, because there was no room */
};

/* Wants signals: there is one for each copy of the library in each environment. */
struct subscriber {
  struct subscriber *next;
  struct environment *environment;
  double token;
  uint64_t set;
  uint32_t waiting;
  uint32_t dropped[SIGNAL_LAST + 1]; /* since the last that was delivered */
};

static struct {
  pthread_mutex_t lock;
  int started;
  struct subscriber *first;
} subscribers = {.lock = PTHREAD_MUTEX_INITIALIZER};

static uint64_t bit_of(int number) {
  return (uint64_t)1 << (number - 1);
}

static void write_signal(struct completion *completion, double *row, void *reader);

/* Instead of a delivery. Any thread. */
static void discard_delivery(struct completion *completion) {
  free(OWNER(struct delivery, completion, completion));
}

static const struct completion_type signal_type = {
    .kind = COMPLETION_SIGNAL, .write = write_signal, .discard = discard_delivery};

/* The watcher's thread; the lock is held. */
static void deliver_to(struct subscriber *subscriber, const struct signal_info *info,
                       uint32_t dropped) {
  uint32_t *lost = &subscriber->dropped[info->number];
  *lost += dropped;
  struct delivery *delivery =
      subscriber->waiting < WAITING_MAX ? calloc(1, sizeof *delivery) : NULL;
  if (delivery == NULL) {
    *lost += 1;
    return;
  }
  delivery->completion.type = &signal_type;
  delivery->environment = subscriber->environment;
  delivery->token = subscriber->token;
  delivery->info = *info;
  delivery->dropped = *lost;
  *lost = 0;
  subscriber->waiting++;
  environment_deliver(subscriber->environment, &delivery->completion);
}

/* The watcher's thread. */
static void empty_ring(void) {
  struct signal_info info;
  uint32_t dropped;
  pthread_mutex_lock(&subscribers.lock);
  while (ring_take(&info, &dropped)) {
    for (struct subscriber *at = subscribers.first; at != NULL; at = at->next) {
      if (at->set & bit_of(info.number))
        deliver_to(at, &info, dropped);
    }
  }
  pthread_mutex_unlock(&subscribers.lock);
}

/* The lock is held. */
static struct subscriber **find_locked(const struct environment *environment, double token) {
  struct subscriber **at = &subscribers.first;
  while (*at != NULL && ((*at)->environment != environment || (*at)->token != token))
    at = &(*at)->next;
  return at;
}

/* The JavaScript thread. */
static void write_signal(struct completion *completion, double *row, void *reader) {
  (void)reader;
  struct delivery *delivery = OWNER(struct delivery, completion, completion);
  const struct signal_info *info = &delivery->info;
  row[ROW_TOKEN] = delivery->token;
  row[SIGNAL_NUMBER] = info->number;
  row[SIGNAL_CODE] = info->code;
  row[SIGNAL_PID] = info->pid;
  row[SIGNAL_UID] = info->uid;
  row[SIGNAL_STATUS] = info->status;
  row[SIGNAL_VALUE] = (double)info->value;
  row[SIGNAL_DROPPED] = delivery->dropped;
  pthread_mutex_lock(&subscribers.lock);
  struct subscriber *subscriber = *find_locked(delivery->environment, delivery->token);
  if (subscriber != NULL)
    subscriber->waiting--;
  pthread_mutex_unlock(&subscribers.lock);
  free(delivery);
}

/* The lock is held. */
static int open_locked(void) {
  int error = subscribers.started ? 0 : ring_open(empty_ring);
  if (error == 0)
    subscribers.started = 1;
  return error;
}

/* The environment wants a signal from here on. */
static int subscribe(struct environment *environment, double token, int number) {
  pthread_mutex_lock(&subscribers.lock);
  int error = open_locked();
  if (error == 0) {
    struct subscriber **found = find_locked(environment, token);
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

/* The environment no longer wants it. Returns whether it did. */
static int unsubscribe(struct environment *environment, double token, int number) {
  pthread_mutex_lock(&subscribers.lock);
  struct subscriber *subscriber = *find_locked(environment, token);
  int wanted = subscriber != NULL && (subscriber->set & bit_of(number)) != 0;
  if (wanted)
    subscriber->set &= ~bit_of(number);
  pthread_mutex_unlock(&subscribers.lock);
  return wanted;
}

/* Asks for it with our handler on the carrier. The ring is open. */
static void confine(uint64_t set) {
  if (handler_add(ORDER_CARRIER) != 0)
    return;
  order_confine(set);
  handler_remove(ORDER_CARRIER);
}

int signals_watch(struct environment *environment, double token, int number) {
  /* Before there is a handler: nothing that it takes is lost. */
  int error = subscribe(environment, token, number);
  if (error != 0)
    return error;
  error = handler_add(number);
  if (error != 0)
    unsubscribe(environment, token, number);
  else if (order_applies(number) && !order_first_blocks(number))
    confine(bit_of(number));
  return error;
}

int signals_confine(uint64_t set) {
  /* Of faults the thread dies that blocks them, and the runtime waits for its children. */
  static const int spared[] = {SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV, SIGSYS, SIGCHLD};
  for (size_t i = 0; i < sizeof spared / sizeof *spared; i++)
    set &= ~bit_of(spared[i]);
  if (set == 0)
    return 0;
  pthread_mutex_lock(&subscribers.lock);
  int error = open_locked();
  pthread_mutex_unlock(&subscribers.lock);
  if (error == 0)
    confine(set);
  return error;
}

/* A thread that waits until the watcher has emptied the ring. */
struct flush {
  struct request request; /* first, so that it is found by it */
  struct latch done;
};

/* The watcher's thread. */
static void run_flush(struct request *request) {
  empty_ring();
  latch_open(&((struct flush *)request)->done);
}

void signals_flush(void) {
  /* A handler that has begun has not necessarily put its signal into the ring yet. */
  signals_settle();
  /* The lock is held from the emptying of the ring until all of it is delivered. */
  pthread_mutex_lock(&subscribers.lock);
  int empty = ring_is_empty();
  pthread_mutex_unlock(&subscribers.lock);
  if (empty)
    return; /* without waiting for a watcher that is busy with a slow launch */
  struct flush flush = {.request.run = run_flush, .done = LATCH};
  watcher_request(&flush.request);
  latch_wait(&flush.done);
}

int signals_unwatch(struct environment *environment, double token, int number) {
  int error = handler_remove(number);
  /* What was taken until now is this environment's; only then does it want no more. */
  signals_flush();
  unsubscribe(environment, token, number);
  return error;
}

/* Takes out one subscriber of the environment; NULL when there is none. */
static struct subscriber *take_out(const struct environment *environment) {
  pthread_mutex_lock(&subscribers.lock);
  struct subscriber **at = &subscribers.first;
  while (*at != NULL && (*at)->environment != environment)
    at = &(*at)->next;
  struct subscriber *subscriber = *at;
  if (subscriber != NULL)
    *at = subscriber->next;
  pthread_mutex_unlock(&subscribers.lock);
  return subscriber;
}

void signals_forget(struct environment *environment) {
  for (struct subscriber *one; (one = take_out(environment)) != NULL; free(one)) {
    for (int number = 1; number <= SIGNAL_LAST; number++) {
      if (one->set & bit_of(number))
        handler_remove(number);
    }
  }
}
