#define _GNU_SOURCE
#include "reap.h"
#include "clock.h"
#include "probe.h"
#include "watcher.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* All children that are watched and not freed. */
static struct {
  pthread_mutex_t lock;
  struct child *first;
} children = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* The lock is held. */
static void unlink_locked(struct child *child) {
  if (child->previous != NULL)
    child->previous->next = child->next;
  else
    children.first = child->next;
  if (child->next != NULL)
    child->next->previous = child->previous;
}

/* The lock is held. */
static struct child *find_locked(const struct environment *environment, double token) {
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

/* The watcher's thread only. */
static void look(struct child *child) {
  pthread_mutex_lock(&children.lock);
  int ended = take_end_locked(child);
  pthread_mutex_unlock(&children.lock);
  if (!ended)
    return;
  if (child->launch.pidfd >= 0)
    events_remove(child->launch.pidfd);
  environment_deliver(child->environment, &child->exited);
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

static double microseconds(struct timeval time) {
  return (double)time.tv_sec * 1e6 + (double)time.tv_usec;
}

static void write_exited(struct completion *completion, double *row, void *reader) {
  (void)reader;
  const struct child *child = OWNER(struct child, exited, completion);
  const struct rusage *usage = &child->usage;
  row[ROW_TOKEN] = child->token;
  row[EXITED_CODE] = child->code;
  row[EXITED_STATUS] = child->status;
  row[EXITED_WALL_TIME] = child->wall_time;
  for (int column = EXITED_USER_TIME; column <= EXITED_INVOLUNTARY_SWITCHES; column++)
    row[column] = NAN;
  if (!child->usage_is_known)
    return;
  row[EXITED_USER_TIME] = microseconds(usage->ru_utime);
  row[EXITED_SYSTEM_TIME] = microseconds(usage->ru_stime);
  row[EXITED_MAX_RSS] = (double)usage->ru_maxrss;
  row[EXITED_MINOR_FAULTS] = (double)usage->ru_minflt;
  row[EXITED_MAJOR_FAULTS] = (double)usage->ru_majflt;
  row[EXITED_BLOCK_INPUT] = (double)usage->ru_inblock;
  row[EXITED_BLOCK_OUTPUT] = (double)usage->ru_oublock;
  row[EXITED_VOLUNTARY_SWITCHES] = (double)usage->ru_nvcsw;
  row[EXITED_INVOLUNTARY_SWITCHES] = (double)usage->ru_nivcsw;
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
    .write = write_exited,
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
  /* Where even that fails, the child runs on without a report. */
  if (waiter_start() == 0)
    waiter_add(&child->wait);
}

void reap_list_own(struct child *child) {
  reap_list(child, 0);
  child->own = 1;
  if (child->launch.pidfd >= 0)
    owned_add(environment_owned(child->environment), child->launch.pidfd);
}

long reap_own(struct environment *environment, double token, siginfo_t *info, int options,
              struct rusage *usage) {
  pthread_mutex_lock(&children.lock);
  struct child *child = find_locked(environment, token);
  pthread_mutex_unlock(&children.lock);
  if (child == NULL || !child->own)
    return -ECHILD;
  info->si_pid = 0;
  /* Only this thread frees it, or reaps it. */
  long result = wait_for_child(child->launch.pid, child->launch.pidfd, info, options, usage);
  if ((options & WNOWAIT) != 0 || (result == 0 && info->si_pid == 0))
    return result;
  pthread_mutex_lock(&children.lock);
  unlink_locked(child);
  pthread_mutex_unlock(&children.lock);
  child->launch.pidfd = -1; /* the thread closes it */
  child->free(child);
  return result;
}

void reap_tells(struct environment *environment, double token) {
  pthread_mutex_lock(&children.lock);
  struct child *child = find_locked(environment, token);
  if (child != NULL)
    child->told = 1;
  pthread_mutex_unlock(&children.lock);
}

void reap_told(struct environment *environment, double token) {
  pthread_mutex_lock(&children.lock);
  struct child *child = find_locked(environment, token);
  if (child != NULL) {
    child->told = 0;
    if (!child->own)
      watcher_request(&child->end);
  }
  pthread_mutex_unlock(&children.lock);
}

/* The thread of a child of its own is gone: from here on it is like others. The JavaScript thread.
 */
static void take_over(struct child *child) {
  child->own = 0;
  /* Otherwise the thread has closed it already. */
  if (!owned_remove(environment_owned(child->environment), child->launch.pidfd))
    child->launch.pidfd = -1;
  if (!child->told)
    reap_watch(child);
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
      take_over(at);
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
