#define _GNU_SOURCE
#include "signals.h"
#include "spawner.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define RING_SIZE 16384u /* a power of two */

/* A bounded queue of many writers, the handlers, and one reader, the spawner. A slot whose turn is
   the position belongs to the writer that takes it, one ahead of it to the reader. */
struct slot {
  atomic_uint turn;
  struct signal_info info;
};

static struct {
  struct slot slots[RING_SIZE];
  atomic_uint head;
  unsigned tail;                        /* the spawner's own */
  atomic_uint dropped[SIGNAL_LAST + 1]; /* for which there was no slot */
  atomic_int handling;                  /* handlers at work at this moment */
  atomic_int woken;
  int wakeup; /* eventfd; the handlers' only system call */
} ring;

/* Who wants which signals: one for each environment that wants any. */
struct subscriber {
  struct subscriber *next;
  struct environment *environment;
  double token;
  uint64_t set;
};

/* The lock guards all of it; no handler ever takes it. */
static struct {
  pthread_mutex_t lock;
  int started;
  struct subscriber *subscribers;
  int watchers[SIGNAL_LAST + 1];
  struct sigaction previous[SIGNAL_LAST + 1]; /* also read by handlers: see chain() */
} signals = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Calls the handler that was there before ours. Signal context. */
static void chain(int number, siginfo_t *info, void *context) {
  const struct sigaction *previous = &signals.previous[number];
  /* Node's own for SIGINT and SIGTERM: it raises the signal again, sure to be gone by then, to end
     the process in order. Who catches the signal does not want that. */
  if ((unsigned)previous->sa_flags & SA_RESETHAND)
    return;
  if (previous->sa_flags & SA_SIGINFO) {
    if (previous->sa_sigaction != NULL)
      previous->sa_sigaction(number, info, context);
  } else if (previous->sa_handler != SIG_DFL && previous->sa_handler != SIG_IGN) {
    previous->sa_handler(number);
  }
}

/* Takes a slot; NULL when the ring is full. Signal context; lock-free. */
static struct slot *take_slot(unsigned *position) {
  unsigned at = atomic_load(&ring.head);
  for (;;) {
    struct slot *slot = &ring.slots[at % RING_SIZE];
    int ahead = (int)(atomic_load(&slot->turn) - at);
    if (ahead < 0)
      return NULL;
    if (ahead == 0 && atomic_compare_exchange_weak(&ring.head, &at, at + 1)) {
      *position = at;
      return slot;
    }
    if (ahead > 0)
      at = atomic_load(&ring.head);
  }
}

/* Any thread, at any point of its program: async-signal-safe, and leaves errno as it was. */
static void handler(int number, siginfo_t *info, void *context) {
  atomic_fetch_add(&ring.handling, 1);
  int saved = errno;
  unsigned position = 0;
  struct slot *slot = take_slot(&position);
  if (slot == NULL) {
    atomic_fetch_add(&ring.dropped[number], 1);
  } else {
    slot->info.number = number;
    slot->info.code = info->si_code;
    slot->info.pid = info->si_pid;
    slot->info.uid = info->si_uid;
    slot->info.status = info->si_status;
    slot->info.value = (int64_t)info->si_value.sival_int;
    atomic_store(&slot->turn, position + 1);
  }
  if (!atomic_exchange(&ring.woken, 1)) {
    uint64_t one = 1;
    ssize_t ignored = write(ring.wakeup, &one, sizeof one);
    (void)ignored;
  }
  chain(number, info, context);
  errno = saved;
  atomic_fetch_sub(&ring.handling, 1);
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
  pthread_mutex_lock(&signals.lock);
  for (;;) {
    struct slot *slot = &ring.slots[ring.tail % RING_SIZE];
    if (atomic_load(&slot->turn) != ring.tail + 1)
      break;
    struct signal_info info = slot->info;
    atomic_store(&slot->turn, ring.tail + RING_SIZE);
    ring.tail++;
    uint32_t dropped = atomic_exchange(&ring.dropped[info.number], 0);
    uint64_t bit = (uint64_t)1 << (info.number - 1);
    for (const struct subscriber *at = signals.subscribers; at != NULL; at = at->next) {
      if (at->set & bit)
        deliver_to(at, &info, dropped);
    }
  }
  pthread_mutex_unlock(&signals.lock);
}

/* The spawner's thread. */
static void ring_ready(struct watch *watch, uint32_t events) {
  (void)watch;
  (void)events;
  uint64_t count;
  ssize_t ignored = read(ring.wakeup, &count, sizeof count);
  (void)ignored;
  /* Before looking: a handler that comes later wakes again. */
  atomic_store(&ring.woken, 0);
  empty_ring();
}

static struct watch ring_watch = {ring_ready};

/* The lock is held. */
static int start_locked(void) {
  if (signals.started)
    return 0;
  int error = spawner_start();
  if (error != 0)
    return error;
  for (unsigned i = 0; i < RING_SIZE; i++)
    atomic_store(&ring.slots[i].turn, i);
  ring.wakeup = fd_above_stdio(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (ring.wakeup < 0)
    return errno;
  error = spawner_watch(EPOLL_CTL_ADD, ring.wakeup, EPOLLIN, &ring_watch);
  if (error != 0)
    close(ring.wakeup);
  signals.started = error == 0;
  return error;
}

/* Makes our handler the first, with what was there below it; the lock is held. */
static int install_locked(int number) {
  struct sigaction ours, before;
  memset(&ours, 0, sizeof ours);
  ours.sa_sigaction = handler;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  sigfillset(&ours.sa_mask);
  if (sigaction(number, NULL, &before) != 0)
    return errno;
  if ((before.sa_flags & SA_SIGINFO) && before.sa_sigaction == handler)
    return 0;
  /* Before ours is there: it may be called at once. */
  signals.previous[number] = before;
  return sigaction(number, &ours, NULL) == 0 ? 0 : errno;
}

/* The lock is held. */
static struct subscriber **find_locked(const struct environment *environment) {
  struct subscriber **at = &signals.subscribers;
  while (*at != NULL && (*at)->environment != environment)
    at = &(*at)->next;
  return at;
}

int signals_watch(struct environment *environment, double token, int number) {
  uint64_t bit = (uint64_t)1 << (number - 1);
  pthread_mutex_lock(&signals.lock);
  struct subscriber **found = find_locked(environment);
  int error = start_locked();
  if (error == 0 && *found == NULL) {
    *found = calloc(1, sizeof **found);
    if (*found == NULL)
      error = ENOMEM;
    else
      (*found)->environment = environment;
  }
  if (error == 0 && ((*found)->set & bit) == 0) {
    (*found)->token = token;
    (*found)->set |= bit; /* before the handler: nothing that it takes is lost */
    error = install_locked(number);
    if (error == 0)
      signals.watchers[number]++;
    else
      (*found)->set &= ~bit;
  }
  pthread_mutex_unlock(&signals.lock);
  return error;
}

/* The lock is held. */
static int uninstall_locked(int number) {
  struct sigaction now;
  if (--signals.watchers[number] > 0 || sigaction(number, NULL, &now) != 0)
    return 0;
  /* Somebody who replaced our handler is left alone. */
  if (!(now.sa_flags & SA_SIGINFO) || now.sa_sigaction != handler)
    return 0;
  return sigaction(number, &signals.previous[number], NULL) == 0 ? 0 : errno;
}

int signals_unwatch(struct environment *environment, int number) {
  uint64_t bit = (uint64_t)1 << (number - 1);
  pthread_mutex_lock(&signals.lock);
  const struct subscriber *subscriber = *find_locked(environment);
  int error = 0;
  if (subscriber != NULL && (subscriber->set & bit) != 0)
    error = uninstall_locked(number);
  pthread_mutex_unlock(&signals.lock);
  if (error != 0)
    return error;
  /* What was taken until now is this environment's; only then does it want no more. */
  signals_flush();
  pthread_mutex_lock(&signals.lock);
  struct subscriber *still = *find_locked(environment);
  if (still != NULL)
    still->set &= ~bit;
  pthread_mutex_unlock(&signals.lock);
  return 0;
}

int signals_rewatch(int number) {
  pthread_mutex_lock(&signals.lock);
  int error = signals.watchers[number] > 0 ? install_locked(number) : 0;
  pthread_mutex_unlock(&signals.lock);
  return error;
}

void signals_forget(struct environment *environment) {
  pthread_mutex_lock(&signals.lock);
  struct subscriber **found = find_locked(environment);
  struct subscriber *subscriber = *found;
  if (subscriber != NULL) {
    for (int number = 1; number <= SIGNAL_LAST; number++) {
      if (subscriber->set >> (number - 1) & 1)
        uninstall_locked(number);
    }
    *found = subscriber->next;
    free(subscriber);
  }
  pthread_mutex_unlock(&signals.lock);
}

int signals_set_action(int number, enum signal_action action) {
  struct sigaction wanted;
  memset(&wanted, 0, sizeof wanted);
  wanted.sa_handler = action == SIGNAL_IGNORED ? SIG_IGN : SIG_DFL;
  pthread_mutex_lock(&signals.lock);
  int error = 0;
  if (signals.watchers[number] > 0)
    signals.previous[number] = wanted;
  else if (sigaction(number, &wanted, NULL) != 0)
    error = errno;
  pthread_mutex_unlock(&signals.lock);
  return error;
}

int signals_get_action(int number) {
  struct sigaction now;
  if (sigaction(number, NULL, &now) != 0)
    return -errno;
  if (now.sa_flags & SA_SIGINFO)
    return now.sa_sigaction == handler ? SIGNAL_OURS : SIGNAL_OTHER_HANDLER;
  if (now.sa_handler == SIG_IGN)
    return SIGNAL_IGNORED;
  return now.sa_handler == SIG_DFL ? SIGNAL_DEFAULT : SIGNAL_OTHER_HANDLER;
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

void signals_flush(void) {
  if (!signals.started)
    return;
  /* A handler that has begun has not necessarily put its signal into the ring yet. */
  while (atomic_load(&ring.handling) > 0)
    sched_yield();
  struct flush flush = {{NULL, run_flush}, PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
  spawner_request(&flush.request);
  pthread_mutex_lock(&flush.lock);
  while (!flush.done)
    pthread_cond_wait(&flush.changed, &flush.lock);
  pthread_mutex_unlock(&flush.lock);
}
