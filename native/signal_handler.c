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
#include <sys/syscall.h>
#include <unistd.h>

typedef void (*any_handler)(int number, siginfo_t *info, void *context);

/* The lock guards all of it; the handler never takes it, and looks at the last three only. */
static struct {
  pthread_mutex_t lock;
  int users[SIGNAL_LAST + 1];
  struct sigaction previous[SIGNAL_LAST + 1]; /* what our handler took the place of */
  struct sigaction spared[SIGNAL_LAST + 1];   /* what ignoring took the place of */
  int ignored[SIGNAL_LAST + 1];               /* whether it was done by us */
  _Atomic(any_handler) below[SIGNAL_LAST + 1];
  atomic_int gone[SIGNAL_LAST + 1]; /* our handler was taken away */
  atomic_int running;               /* handlers at work at this moment */
} handlers = {.lock = PTHREAD_MUTEX_INITIALIZER};

/*
 * The kernel chose our handler just before it was taken away: the signal is sent again, to what is
 * there now, which gets it when this handler returns. Signal context.
 */
static void send_again(int number, siginfo_t *info) {
  syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), number, info);
}

/* Any thread, at any point of its program: async-signal-safe, and leaves errno as it was. */
static void handler(int number, siginfo_t *info, void *context) {
  /* Before looking at `gone`: handler_settle is called after that is set. */
  atomic_fetch_add(&handlers.running, 1);
  int saved = errno;
  if (atomic_load(&handlers.gone[number])) {
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
    any_handler below = atomic_load(&handlers.below[number]);
    if (below != NULL)
      below(number, info, context);
  }
  errno = saved;
  atomic_fetch_sub(&handlers.running, 1);
}

static int is_ours(const struct sigaction *action) {
  return (action->sa_flags & SA_SIGINFO) && action->sa_sigaction == handler;
}

/*
 * Whether a handler goes on getting the signals. One that runs once does not: Node's for SIGINT and
 * SIGTERM, which resets the terminal, ends the process. Its first one for SIGUSR1 opens the
 * debugger, and is told from those of process.on by its flags.
 */
static int is_listener(int number, const struct sigaction *action) {
  if (action->sa_handler == SIG_DFL || action->sa_handler == SIG_IGN)
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

/* Makes our handler the first, with what was there below it; the lock is held. */
static int install_locked(int number) {
  struct sigaction ours, before;
  memset(&ours, 0, sizeof ours);
  ours.sa_sigaction = handler;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  sigfillset(&ours.sa_mask);
  if (sigaction(number, NULL, &before) != 0)
    return errno;
  if (is_ours(&before))
    return 0;
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
  if (!is_ours(&now))
    return 0;
  atomic_store(&handlers.gone[number], 1);
  return sigaction(number, &handlers.previous[number], NULL) == 0 ? 0 : errno;
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

int handler_renew(int number) {
  pthread_mutex_lock(&handlers.lock);
  int error = handlers.users[number] > 0 ? install_locked(number) : 0;
  pthread_mutex_unlock(&handlers.lock);
  return error;
}

void handler_settle(void) {
  while (atomic_load(&handlers.running) > 0)
    sched_yield();
}

/* The lock is held. */
static int set_action_locked(int number, enum signal_action action) {
  struct sigaction now, wanted;
  if (sigaction(number, NULL, &now) != 0)
    return errno;
  int below = handlers.users[number] > 0 && is_ours(&now);
  if (below)
    now = handlers.previous[number];
  int ignored = now.sa_handler == SIG_IGN;
  int ignored_by_us = ignored && handlers.ignored[number];
  handlers.ignored[number] = action == SIGNAL_IGNORED;
  memset(&wanted, 0, sizeof wanted);
  if (action == SIGNAL_IGNORED) {
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

int handler_set_action(int number, enum signal_action action) {
  pthread_mutex_lock(&handlers.lock);
  int error = set_action_locked(number, action);
  pthread_mutex_unlock(&handlers.lock);
  return error;
}

int handler_get_action(int number) {
  struct sigaction now;
  if (sigaction(number, NULL, &now) != 0)
    return -errno;
  if (is_ours(&now))
    return SIGNAL_OURS;
  if (now.sa_handler == SIG_IGN)
    return SIGNAL_IGNORED;
  return now.sa_handler == SIG_DFL ? SIGNAL_DEFAULT : SIGNAL_OTHER_HANDLER;
}
