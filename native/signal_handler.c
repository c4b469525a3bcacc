#define _GNU_SOURCE
#include "signal_handler.h"
#include "signal_entry.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>

/* What is known of one signal; signal_handler.h has its states. */
struct signal {
  int number;
  int users;
  int ignored;               /* whether this library ignores it */
  struct sigaction previous; /* what our handler took the place of */
  struct sigaction spared;   /* what ignoring took the place of */
  struct signal_entry *entry;
};

/* The lock guards all of it. */
static struct {
  pthread_mutex_t lock;
  struct signal signals[SIGNAL_LAST + 1];
} handlers = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* sigaction(2), but returns 0 or a positive errno. */
static int change(int number, const struct sigaction *action, struct sigaction *before) {
  return sigaction(number, action, before) == 0 ? 0 : errno;
}

static int is_ours(const struct sigaction *action) {
  return action->sa_sigaction == signal_enter;
}

static int is_handler(const struct sigaction *action) {
  return action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN;
}

/*
 * Whether a handler goes on getting the signals. One that runs once does not: Node's for SIGINT and
 * SIGTERM, which resets the terminal, ends the process. Its first one for SIGUSR1 opens the
 * debugger, and differs from those of process.on in its flags.
 */
static int is_listener(int number, const struct sigaction *action) {
  if (!is_handler(action) || (action->sa_flags & (int)SA_RESETHAND) != 0)
    return 0;
  return number != SIGUSR1 || (action->sa_flags & (SA_RESTART | SA_SIGINFO)) != 0;
}

/* The functions below that are static: the lock is held. */

static struct signal *lock(int number) {
  pthread_mutex_lock(&handlers.lock);
  handlers.signals[number].number = number;
  handlers.signals[number].entry = &signal_entries[number];
  return &handlers.signals[number];
}

static int unlock(int result) {
  pthread_mutex_unlock(&handlers.lock);
  return result;
}

static void set_previous(struct signal *signal, const struct sigaction *action) {
  signal->previous = *action;
  /* The kernel passes all three arguments to every handler, and so does ours. */
  atomic_store(&signal->entry->below,
               is_listener(signal->number, action) ? action->sa_sigaction : NULL);
}

/* The action apart from our handler: what is `below` it, or the kernel's. */
static int get_theirs(const struct signal *signal, int below, struct sigaction *action) {
  *action = signal->previous;
  return below ? 0 : change(signal->number, NULL, action);
}

static int set_theirs(struct signal *signal, int below, const struct sigaction *action) {
  if (!below)
    return change(signal->number, action, NULL);
  set_previous(signal, action);
  return 0;
}

/*
 * Our handler was replaced: the new one may call it, if it has a siginfo_t to give. libuv's has
 * none.
 */
static void cover(struct signal *signal, const struct sigaction *by) {
  if (!(by->sa_flags & SA_SIGINFO) || atomic_load(&signal->entry->covered))
    return;
  atomic_store(&signal->entry->bottom, atomic_load(&signal->entry->below));
  atomic_store(&signal->entry->covered, 1);
}

/* Makes our handler the first, with what was there below it. */
static int install(struct signal *signal) {
  struct sigaction ours = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART}, before;
  ours.sa_sigaction = signal_enter;
  sigfillset(&ours.sa_mask);
  int error = change(signal->number, NULL, &before);
  if (error != 0)
    return error;
  /* Bun puts it back with signal(3), which keeps nothing but the address. */
  if (is_ours(&before))
    return (before.sa_flags & SA_SIGINFO) != 0 ? 0 : change(signal->number, &ours, NULL);
  if (signal->users > 0)
    cover(signal, &before);
  /* Before ours is there: it may be called at once. */
  set_previous(signal, &before);
  atomic_store(&signal->entry->gone, 0);
  return change(signal->number, &ours, NULL);
}

static int uninstall(struct signal *signal) {
  struct sigaction now;
  int error = change(signal->number, NULL, &now);
  if (error != 0)
    return error;
  /* A handler that replaced ours is left alone, and may call ours. */
  if (!is_ours(&now)) {
    cover(signal, &now);
    return 0;
  }
  /* One that came to this thread between the two would be sent to our handler again and again. */
  sigset_t one, mask;
  sigemptyset(&one);
  sigaddset(&one, signal->number);
  pthread_sigmask(SIG_BLOCK, &one, &mask);
  atomic_store(&signal->entry->gone, 1);
  error = change(signal->number, &signal->previous, NULL);
  if (!sigismember(&mask, signal->number))
    pthread_sigmask(SIG_UNBLOCK, &one, NULL);
  return error;
}

int handler_add(int number) {
  struct signal *signal = lock(number);
  int error = install(signal);
  if (error == 0)
    signal->users++;
  return unlock(error);
}

int handler_remove(int number) {
  struct signal *signal = lock(number);
  return unlock(--signal->users > 0 ? 0 : uninstall(signal));
}

/* Whether the handler that is above ours calls it, as it could. */
static int is_called(const struct signal *signal) {
  struct sigaction now;
  return change(signal->number, NULL, &now) == 0 && is_handler(&now) &&
         (now.sa_flags & SA_SIGINFO) != 0;
}

static int renew(struct signal *signal, int listening, int kept) {
  struct sigaction now, wanted = {.sa_handler = SIG_IGN};
  int below = signal->users > 0;
  /* Several copies of this library need not take turns above a handler that calls them all. */
  int stays = kept && !signal->ignored && is_called(signal);
  int error = below && !stays ? install(signal) : 0;
  if (error != 0 || !signal->ignored)
    return error;
  error = get_theirs(signal, below, &now);
  if (error != 0)
    return error;
  if (listening) {
    if (!kept || now.sa_handler != SIG_IGN || !is_handler(&signal->spared))
      return 0;
    wanted = signal->spared;
  } else {
    if (kept ? now.sa_handler == SIG_IGN : now.sa_handler != SIG_DFL)
      return 0;
    signal->spared = now; /* the runtime's handler, for which there is no use any more */
  }
  return set_theirs(signal, below, &wanted);
}

int handler_renew(int number, int listening, int kept) {
  return unlock(renew(lock(number), listening, kept));
}

static int set_below(struct signal *signal, int how) {
  if (signal->users == 0 || (how == BELOW_LAST_MUTES && signal->users > 1))
    return 0;
  int error = install(signal);
  if (error != 0)
    return error;
  struct sigaction below = signal->previous;
  if (how == BELOW_IS_FORGOTTEN && is_handler(&below))
    below = (struct sigaction){.sa_handler = SIG_DFL};
  set_previous(signal, &below);
  if (how == BELOW_IS_MUTE || how == BELOW_LAST_MUTES)
    atomic_store(&signal->entry->below, NULL);
  return 0;
}

int handler_set_below(int number, int how) {
  return unlock(set_below(lock(number), how));
}

/* The handler there is, below ours too, or NULL. */
static any_handler theirs(int number) {
  struct sigaction now;
  if (change(number, NULL, &now) != 0)
    return NULL;
  if (is_ours(&now))
    now = handlers.signals[number].previous;
  return is_handler(&now) ? now.sa_sigaction : NULL;
}

int handler_is_shared(int number, int other) {
  lock(number);
  any_handler one = theirs(number);
  return unlock(one != NULL && one == theirs(other));
}

static int set_action(struct signal *signal, int action) {
  struct sigaction now, wanted = {.sa_handler = SIG_DFL};
  int error = change(signal->number, NULL, &now);
  if (error != 0)
    return error;
  int below = signal->users > 0 && is_ours(&now);
  if (below)
    now = signal->previous;
  int is_ignored = now.sa_handler == SIG_IGN, by_us = is_ignored && signal->ignored;
  signal->ignored = action == ACTION_IGNORED;
  if (signal->ignored) {
    wanted.sa_handler = SIG_IGN;
    if (!by_us)
      signal->spared = now;
  } else if (by_us) {
    wanted = signal->spared;
  } else if (!is_ignored) {
    return 0;
  }
  return set_theirs(signal, below, &wanted);
}

int handler_set_action(int number, int action) {
  return unlock(set_action(lock(number), action));
}

int handler_get_action(int number) {
  const struct signal *signal = lock(number);
  struct sigaction now;
  int error = change(number, NULL, &now);
  if (error != 0)
    return unlock(-error);
  if (is_ours(&now))
    return unlock(signal->previous.sa_handler == SIG_IGN ? ACTION_OURS_ABOVE_IGNORED : ACTION_OURS);
  if (now.sa_handler == SIG_IGN)
    return unlock(signal->ignored ? ACTION_IGNORED_HERE : ACTION_IGNORED);
  return unlock(now.sa_handler == SIG_DFL ? ACTION_DEFAULT : ACTION_OTHER_HANDLER);
}
