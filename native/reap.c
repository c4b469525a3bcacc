#define _GNU_SOURCE
#include "reap.h"
#include "clock.h"
#include "children.h"
#include "probe.h"
#include "watcher.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

struct children children = {.lock = PTHREAD_MUTEX_INITIALIZER};

void unlink_locked(struct child *child) {
  if (child->previous != NULL)
    child->previous->next = child->next;
  else
    children.first = child->next;
  if (child->next != NULL)
    child->next->previous = child->previous;
}

struct child *find_locked(const struct environment *environment, double token) {
  struct child *at = children.first;
  while (at != NULL && (at->environment != environment || at->token != token))
    at = at->next;
  return at;
}

/* Whether it has ended; then its end is in `child`, and unless it is pinned it is reaped. The lock
   is held. */
static int take_end_locked(struct child *child) {
  siginfo_t info = {0};
  int stays = child->pins > 0 && child->pinned_unreaped;
  int options = WEXITED | WNOHANG | (stays ? WNOWAIT : 0);
  long result =
      wait_for_child(child->launch.pid, child->launch.pidfd, &info, options, &child->usage);
  if (result == 0 && info.si_pid == 0)
    return 0;
  child->ended = 1;
  child->reaped = !stays || result != 0;
  child->wall_time = monotonic_microseconds() - child->launch.started;
  if (result == 0) {
    child->code = info.si_code;
    child->status = info.si_status;
    child->usage_is_known = 1;
  } else {
    recover_end(child->launch.pidfd, &child->code, &child->status);
  }
  return 1;
}

/* It was pinned when its end was reported. The lock is held. */
static void reap_pinned_locked(struct child *child) {
  siginfo_t info;
  if (child->ended && !child->reaped)
    wait_for_child(child->launch.pid, child->launch.pidfd, &info, WEXITED | WNOHANG, NULL);
  child->reaped = child->ended;
}

#define LOOK_EVERY 100 /* milliseconds */

/* The watcher's thread only. */
static void look(struct child *child) {
  pthread_mutex_lock(&children.lock);
  int ended = take_end_locked(child);
  children.polled += !ended - child->polled;
  child->polled = !ended;
  pthread_mutex_unlock(&children.lock);
  /* Also where it has not ended for us: a pidfd stays readable while a tracer has the status. */
  if (child->launch.pidfd >= 0)
    events_remove(child->launch.pidfd);
  if (ended)
    environment_deliver(child->environment, &child->exited);
}

/* A polled child that has ended, which is polled no longer; or NULL. */
static struct child *take_polled(void) {
  pthread_mutex_lock(&children.lock);
  struct child *at = children.polled > 0 ? children.first : NULL;
  while (at != NULL && !(at->polled && take_end_locked(at)))
    at = at->next;
  if (at != NULL) {
    children.polled--;
    at->polled = 0;
  }
  pthread_mutex_unlock(&children.lock);
  return at;
}

int reap_look(void) {
  static double next; /* microseconds */
  double now = monotonic_microseconds();
  if (now >= next) {
    struct child *child;
    while ((child = take_polled()) != NULL)
      environment_deliver(child->environment, &child->exited);
    next = now + LOOK_EVERY * 1000;
  }
  return children.polled > 0 ? LOOK_EVERY : -1;
}

static void pidfd_ready(struct watch *watch, uint32_t events) {
  (void)events;
  look(OWNER(struct child, watch, watch));
}

static void run_look(struct request *request) {
  look(OWNER(struct child, end, request));
}

/* A thread of the waiter. */
static void wait_is_over(struct child_wait *wait) {
  watcher_request(&OWNER(struct child, wait, wait)->end);
}

/* Any thread. */
static void end_is_reported(struct completion *completion) {
  struct child *child = OWNER(struct child, exited, completion);
  pthread_mutex_lock(&children.lock);
  child->is_reported = 1;
  int keep = child->pins > 0;
  if (!keep && child->listed)
    unlink_locked(child);
  pthread_mutex_unlock(&children.lock);
  if (!keep)
    child->free(child);
}

/* Its pidfd is closed only now, since the rows before this one may have been about to use it. */
static void finish_exited(struct completion *completion, int was_told) {
  (void)was_told;
  end_is_reported(completion);
}

static const struct completion_type exited_type = {
    .kind = COMPLETION_EXITED,
    .write = exited_write,
    .finish = finish_exited,
    .discard = end_is_reported,
};

void reap_list(struct child *child, int held) {
  child->watch.ready = pidfd_ready;
  child->end.run = run_look;
  child->wait.pid = child->launch.pid;
  child->wait.ended = wait_is_over;
  child->exited.type = &exited_type;
  child->pins = child->pinned_unreaped = held;
  pthread_mutex_lock(&children.lock);
  child->listed = 1;
  child->next = children.first;
  if (child->next != NULL)
    child->next->previous = child;
  children.first = child;
  pthread_mutex_unlock(&children.lock);
}

void reap_watch(struct child *child) {
  /* Before Linux 5.3 a pidfd can't be watched; and the kernel may be out of memory. */
  if (child->launch.pidfd >= 0 && events_add(child->launch.pidfd, &child->watch) == 0)
    return;
  if (waiter_start() == 0)
    waiter_add(&child->wait);
  else
    watcher_request(&child->end); /* it is looked at from then on */
}

/* Takes away one pin, or all. Returns the child if it is to be freed. The lock is held. */
static struct child *unpin_locked(struct child *child, int pins) {
  child->pins -= pins;
  if (child->pins > 0)
    return NULL;
  reap_pinned_locked(child);
  if (!child->is_reported)
    return NULL;
  unlink_locked(child);
  return child;
}

void reap_forget(struct environment *environment) {
  struct child *freed = NULL;
  pthread_mutex_lock(&children.lock);
  for (struct child *at = children.first; at != NULL; at = at->next) {
    if (at->environment == environment && at->own)
      take_over_locked(at);
  }
  for (struct child *at = children.first, *next; at != NULL; at = next) {
    next = at->next;
    if (at->environment != environment || at->pins == 0 || unpin_locked(at, at->pins) == NULL)
      continue;
    at->next = freed;
    freed = at;
  }
  pthread_mutex_unlock(&children.lock);
  while (freed != NULL) {
    struct child *child = freed;
    freed = child->next;
    child->free(child);
  }
}

int reap_signal(struct environment *environment, double token, int number, int to_group) {
  pthread_mutex_lock(&children.lock);
  const struct child *child = find_locked(environment, token);
  int error = ESRCH;
  if (child != NULL && !child->reaped) {
    int pid = child->launch.pid;
    error = kill(to_group ? -pid : pid, number) == 0 ? 0 : errno;
  }
  pthread_mutex_unlock(&children.lock);
  return error;
}

int reap_pin(struct environment *environment, double token, int unreaped) {
  pthread_mutex_lock(&children.lock);
  struct child *child = find_locked(environment, token);
  /* Its descriptor stays until the end was reported, even if the child was reaped by then. */
  int error = child == NULL || (unreaped && child->reaped) ? ESRCH : 0;
  if (error == 0) {
    child->pins++;
    child->pinned_unreaped |= unreaped;
  }
  pthread_mutex_unlock(&children.lock);
  return error;
}

void reap_unpin(struct environment *environment, double token) {
  pthread_mutex_lock(&children.lock);
  struct child *child = find_locked(environment, token);
  if (child != NULL)
    child = child->pins > 0 ? unpin_locked(child, 1) : NULL;
  pthread_mutex_unlock(&children.lock);
  if (child != NULL)
    child->free(child);
}
