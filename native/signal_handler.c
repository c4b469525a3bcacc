#define _GNU_SOURCE
#include "signal_handler.h"
#include "signal_order.h"
#include "signal_ring.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

typedef void (*any_handler)(int number, siginfo_t *info, void *context);

/* The lock guards all of it; the handler never takes it, and looks at the last five only. */
static struct {
  pthread_mutex_t lock;
  int users[SIGNAL_LAST + 1];
  struct sigaction previous[SIGNAL_LAST + 1]; /* what our handler took the place of */
  struct sigaction spared[SIGNAL_LAST + 1];   /* what ignoring took the place of */
  int ignored[SIGNAL_LAST + 1];               /* whether it was done by us */
  _Atomic(any_handler) below[SIGNAL_LAST + 1];
  atomic_int gone[SIGNAL_LAST + 1];             /* our handler was taken away */
  atomic_int covered[SIGNAL_LAST + 1];          /* a handler took its place that may call it, */
  _Atomic(any_handler) bottom[SIGNAL_LAST + 1]; /* and expects it to call this */
  atomic_int running;                           /* handlers at work at this moment */
} handlers = {.lock = PTHREAD_MUTEX_INITIALIZER};

#if defined(__linux__)
enum { MARKS = 8 };
#elif defined(__APPLE__)
enum { MARKS = 7 };
#else
enum { MARKS = 4 };
#endif

/* The end of siginfo_t, which the kernel has no use for and leaves zero. */
static char *end_of(siginfo_t *info) {
  return (char *)(info + 1) - MARKS * sizeof(uintptr_t);
}

/*
 * Whoever put a handler above ours calls ours, and ours calls theirs once it is above again. So
 * each leaves a mark in siginfo_t, which is there for as long as the signal is handled. Several
 * copies of this library have one each. Returns whether ours was there already. Signal context.
 */
static int was_here(siginfo_t *info) {
  uintptr_t mark, own = (uintptr_t)&handlers;
  for (size_t i = 0; i < MARKS; i++) {
    char *at = end_of(info) + i * sizeof mark;
    memcpy(&mark, at, sizeof mark);
    if (mark == own)
      return 1;
    if (mark != 0)
      continue;
    memcpy(at, &own, sizeof own);
    return 0;
  }
  return 1;
}

/*
 * The kernel chose our handler just before it was taken away: the signal is sent again, to what is
 * there now, which gets it when this handler returns. Signal context.
 */
static void send_again(int number, const siginfo_t *info) {
  siginfo_t copy = *info;
  memset(end_of(&copy), 0, MARKS * sizeof(uintptr_t));
  order_send_again(number, &copy);
}

/* Signal context. */
static void call(_Atomic(any_handler) *at, int number, siginfo_t *info, void *context) {
  any_handler next = atomic_load(at);
  if (next != NULL)
    next(number, info, context);
}

/* Any thread, at any point of its program: async-signal-safe, and leaves errno as it was. */
static void handler(int number, siginfo_t *info, void *context) {
  if (was_here(info)) {
    call(&handlers.bottom[number], number, info, context);
    return;
  }
  /* Before looking at `gone`: handler_settle is called after that is set. */
  atomic_fetch_add(&handlers.running, 1);
  int saved = errno;
  if (atomic_load(&handlers.gone[number])) {
    /* To a handler that calls ours it would come again and again. */
    if (atomic_load(&handlers.covered[number]))
      call(&handlers.bottom[number], number, info, context);
    else
      send_again(number, info);
  } else if (!order_handle(number, info, context)) {
    ring_put(&(struct signal_info){
        .number = number,
        .code = info->si_code,
        .pid = info->si_pid,
        .uid = info->si_uid,
        .status = info->si_status,
        .value = info->si_value.sival_int,
    });
    call(&handlers.below[number], number, info, context);
  }
  errno = saved;
  atomic_fetch_sub(&handlers.running, 1);
}

static int is_ours(const struct sigaction *action) {
  return action->sa_sigaction == handler;
}

static int is_handler(const struct sigaction *action) {
  return action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN;
}

/*
 * Whether a handler goes on getting the signals. One that runs once does not: Node's for SIGINT and
 * SIGTERM, which resets the terminal, ends the process. Its first one for SIGUSR1 opens the
 * debugger, and is told from those of process.on by its flags.
 */
static int is_listener(int number, const struct sigaction *action) {
  if (!is_handler(action))
    return 0;
  if (action->sa_flags & (int)SA_RESETHAND)
    return 0;
  return number != SIGUSR1 || (action->sa_flags & (SA_RESTART | SA_SIGINFO)) != 0;
}

/* The lock is held. */
static void set_previous_locked(int number, const struct sigaction *action) {
  handlers.previous[number] = *action;
  /* The kernel passes all three arguments to every handler, and so do we. */
  atomic_store(&handlers.below[number], is_listener(number, action) ? action->sa_sigaction : NULL);
}

/*
 * Somebody replaced our handler: they may call it, if they have a siginfo_t to give. libuv's has
 * none. The lock is held.
 */
static void cover_locked(int number, const struct sigaction *by) {
  if (!(by->sa_flags & SA_SIGINFO) || atomic_load(&handlers.covered[number]))
    return;
  atomic_store(&handlers.bottom[number], atomic_load(&handlers.below[number]));
  atomic_store(&handlers.covered[number], 1);
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
  if (is_ours(&before)) {
    /* Bun has put it back by signal(3), and nothing but it. */
    int whole = before.sa_flags & SA_SIGINFO;
    return whole || sigaction(number, &ours, NULL) == 0 ? 0 : errno;
  }
  if (handlers.users[number] > 0)
    cover_locked(number, &before);
  /* Before ours is there: it may be called at once. */
  set_previous_locked(number, &before);
  atomic_store(&handlers.gone[number], 0);
  return sigaction(number, &ours, NULL) == 0 ? 0 : errno;
}

/* The lock is held. */
static int uninstall_locked(int number) {
  struct sigaction now;
  if (sigaction(number, NULL, &now) != 0)
    return errno;
  /* Somebody who replaced our handler is left alone, and may call it. */
  if (!is_ours(&now)) {
    cover_locked(number, &now);
    return 0;
  }
  /* One that came to this thread between the two would be sent again to our handler for ever. */
  sigset_t one, mask;
  sigemptyset(&one);
  sigaddset(&one, number);
  pthread_sigmask(SIG_BLOCK, &one, &mask);
  atomic_store(&handlers.gone[number], 1);
  int error = sigaction(number, &handlers.previous[number], NULL) == 0 ? 0 : errno;
  if (!sigismember(&mask, number))
    pthread_sigmask(SIG_UNBLOCK, &one, NULL);
  return error;
}

int handler_add(int number) {
  pthread_mutex_lock(&handlers.lock);
  int error = install_locked(number);
  if (error == 0)
    handlers.users[number]++;
  pthread_mutex_unlock(&handlers.lock);
  return error;
}

int handler_remove(int number) {
  pthread_mutex_lock(&handlers.lock);
  int error = --handlers.users[number] > 0 ? 0 : uninstall_locked(number);
  pthread_mutex_unlock(&handlers.lock);
  return error;
}

/* Whether whatever is above our handler calls it, as it could; the lock is held. */
static int is_called_locked(int number) {
  struct sigaction now;
  return sigaction(number, NULL, &now) == 0 && is_handler(&now) && (now.sa_flags & SA_SIGINFO);
}

/* The lock is held. */
static int renew_locked(int number, int listening, int kept) {
  struct sigaction now, wanted = {.sa_handler = SIG_IGN};
  int below = handlers.users[number] > 0, ignored = handlers.ignored[number];
  /* Several copies of this library need not take turns above a handler that calls them all. */
  int stays = kept && !ignored && is_called_locked(number);
  int error = below && !stays ? install_locked(number) : 0;
  if (error != 0 || !ignored)
    return error;
  if (below)
    now = handlers.previous[number];
  else if (sigaction(number, NULL, &now) != 0)
    return errno;
  if (listening) {
    if (!kept || now.sa_handler != SIG_IGN || !is_handler(&handlers.spared[number]))
      return 0;
    wanted = handlers.spared[number];
  } else {
    if (kept ? now.sa_handler == SIG_IGN : now.sa_handler != SIG_DFL)
      return 0;
    handlers.spared[number] = now; /* the runtime's handler, for which there is no use any more */
  }
  if (below)
    set_previous_locked(number, &wanted);
  else if (sigaction(number, &wanted, NULL) != 0)
    return errno;
  return 0;
}

int handler_renew(int number, int listening, int kept) {
  pthread_mutex_lock(&handlers.lock);
  int error = renew_locked(number, listening, kept);
  pthread_mutex_unlock(&handlers.lock);
  return error;
}

/* The lock is held. */
static int set_below_locked(int number, int how) {
  static const struct sigaction none = {.sa_handler = SIG_DFL};
  int users = handlers.users[number];
  if (users == 0 || (how == BELOW_LAST_MUTES && users > 1))
    return 0;
  int error = install_locked(number);
  if (error != 0)
    return error;
  struct sigaction below = handlers.previous[number];
  if (how == BELOW_IS_FORGOTTEN && is_handler(&below))
    below = none;
  set_previous_locked(number, &below);
  if (how == BELOW_IS_MUTE || how == BELOW_LAST_MUTES)
    atomic_store(&handlers.below[number], NULL);
  return 0;
}

int handler_set_below(int number, int how) {
  pthread_mutex_lock(&handlers.lock);
  int error = set_below_locked(number, how);
  pthread_mutex_unlock(&handlers.lock);
  return error;
}

/* What there is, below ours too; NULL without a handler. The lock is held. */
static any_handler theirs_locked(int number) {
  struct sigaction now;
  if (sigaction(number, NULL, &now) != 0)
    return NULL;
  if (is_ours(&now))
    now = handlers.previous[number];
  return is_handler(&now) ? now.sa_sigaction : NULL;
}

int handler_is_shared(int number, int other) {
  pthread_mutex_lock(&handlers.lock);
  any_handler here = theirs_locked(number), there = theirs_locked(other);
  pthread_mutex_unlock(&handlers.lock);
  return here != NULL && here == there;
}

void handler_settle(void) {
  /* After a while asleep: sched_yield never leaves the processor to a thread of lower priority. */
  const struct timespec moment = {.tv_nsec = 20000};
  for (int looks = 0; atomic_load(&handlers.running) > 0; looks++) {
    if (looks < 1000)
      sched_yield();
    else
      nanosleep(&moment, NULL);
  }
}

/* The lock is held. */
static int set_action_locked(int number, int action) {
  struct sigaction now, wanted;
  if (sigaction(number, NULL, &now) != 0)
    return errno;
  int below = handlers.users[number] > 0 && is_ours(&now);
  if (below)
    now = handlers.previous[number];
  int ignored = now.sa_handler == SIG_IGN;
  int ignored_by_us = ignored && handlers.ignored[number];
  handlers.ignored[number] = action == ACTION_IGNORED;
  memset(&wanted, 0, sizeof wanted);
  if (action == ACTION_IGNORED) {
    wanted.sa_handler = SIG_IGN;
    if (!ignored_by_us)
      handlers.spared[number] = now;
  } else if (ignored_by_us) {
    wanted = handlers.spared[number];
  } else if (!ignored) {
    return 0;
  }
  if (below)
    set_previous_locked(number, &wanted);
  else if (sigaction(number, &wanted, NULL) != 0)
    return errno;
  return 0;
}

int handler_set_action(int number, int action) {
  pthread_mutex_lock(&handlers.lock);
  int error = set_action_locked(number, action);
  pthread_mutex_unlock(&handlers.lock);
  return error;
}

int handler_get_action(int number) {
  struct sigaction now;
  if (sigaction(number, NULL, &now) != 0)
    return -errno;
  if (is_ours(&now)) {
    pthread_mutex_lock(&handlers.lock);
    int ignored = handlers.previous[number].sa_handler == SIG_IGN;
    pthread_mutex_unlock(&handlers.lock);
    return ignored ? ACTION_OURS_ABOVE_IGNORED : ACTION_OURS;
  }
  if (now.sa_handler == SIG_IGN) {
    pthread_mutex_lock(&handlers.lock);
    int here = handlers.ignored[number];
    pthread_mutex_unlock(&handlers.lock);
    return here ? ACTION_IGNORED_HERE : ACTION_IGNORED;
  }
  return now.sa_handler == SIG_DFL ? ACTION_DEFAULT : ACTION_OTHER_HANDLER;
}
