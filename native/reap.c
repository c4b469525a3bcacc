#define _GNU_SOURCE
#include "reap.h"
#include "events.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#define OWNER(member, pointer)                                                                     \
  ((struct process *)(void *)((char *)(pointer)-offsetof(struct process, member)))

/* All children that are watched and not freed. The lock is the reap lock. */
static struct {
  pthread_mutex_t lock;
  struct process *first;
} children = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* The lock is held. */
static void unlink_locked(struct process *process) {
  if (process->previous != NULL)
    process->previous->next = process->next;
  else
    children.first = process->next;
  if (process->next != NULL)
    process->next->previous = process->previous;
}

/* The lock is held. */
static struct process *find_locked(const struct environment *environment, double token) {
  struct process *at = children.first;
  while (at != NULL && (at->environment != environment || at->token != token))
    at = at->next;
  return at;
}

/* Whether it has ended; then its end is in `process`, and unless it is pinned it is reaped. The
   lock is held. */
static int take_end_locked(struct process *process) {
  siginfo_t info = {0};
  int stays = process->pins > 0 && process->pinned_unreaped;
  int options = WEXITED | WNOHANG | (stays ? WNOWAIT : 0);
  long result =
      wait_for_child(process->result.pid, process->result.pidfd, &info, options, &process->usage);
  if (result == 0 && info.si_pid == 0)
    return 0;
  process->ended = 1;
  process->reaped = !stays || result != 0;
  process->wall_time = monotonic_microseconds() - process->result.started;
  if (result == 0) {
    process->code = info.si_code;
    process->status = info.si_status;
  } else {
    recover_end(process->result.pidfd, &process->code, &process->status);
  }
  return 1;
}

/* It was pinned when its end was told. The lock is held. */
static void reap_pinned_locked(struct process *process) {
  siginfo_t info;
  if (process->ended && !process->reaped)
    wait_for_child(process->result.pid, process->result.pidfd, &info, WEXITED | WNOHANG, NULL);
  process->reaped = process->ended;
}

/* The spawner's thread only. */
static void look(struct process *process) {
  pthread_mutex_lock(&children.lock);
  int ended = take_end_locked(process);
  pthread_mutex_unlock(&children.lock);
  if (!ended)
    return;
  if (process->result.pidfd >= 0)
    events_remove(process->result.pidfd);
  environment_deliver(process->environment, &process->exited);
}

static void pidfd_ready(struct watch *watch, uint32_t events) {
  (void)events;
  look(OWNER(watch, watch));
}

static void run_look(struct request *request) {
  look(OWNER(end, request));
}

/* A thread of the waiter. */
static void wait_is_over(struct child_wait *wait) {
  spawner_request(&OWNER(wait, wait)->end);
}

void reap_watch(struct process *process) {
  process->watch.ready = pidfd_ready;
  process->end.run = run_look;
  process->wait.pid = process->result.pid;
  process->wait.ended = wait_is_over;
  pthread_mutex_lock(&children.lock);
  process->listed = 1;
  process->next = children.first;
  if (process->next != NULL)
    process->next->previous = process;
  children.first = process;
  pthread_mutex_unlock(&children.lock);
  /* Before Linux 5.3 a pidfd can't be watched; and the kernel may be out of memory. */
  if (process->result.pidfd >= 0 && events_add(process->result.pidfd, &process->watch) == 0)
    return;
  /* Where even that fails, the process runs on without a report. */
  if (waiter_start() == 0)
    waiter_add(&process->wait);
}

void reap_release(struct process *process) {
  pthread_mutex_lock(&children.lock);
  process->released = 1;
  int keep = process->pins > 0;
  if (!keep && process->listed)
    unlink_locked(process);
  pthread_mutex_unlock(&children.lock);
  if (!keep)
    process_free(process);
}

/* Takes away one pin, or all. Returns the process if it is to be freed. The lock is held. */
static struct process *unpin_locked(struct process *process, int pins) {
  process->pins -= pins;
  if (process->pins > 0)
    return NULL;
  reap_pinned_locked(process);
  if (!process->released)
    return NULL;
  unlink_locked(process);
  return process;
}

void reap_forget(struct environment *environment) {
  struct process *freed = NULL;
  pthread_mutex_lock(&children.lock);
  for (struct process *at = children.first, *next; at != NULL; at = next) {
    next = at->next;
    if (at->environment != environment || at->pins == 0 || unpin_locked(at, at->pins) == NULL)
      continue;
    at->next = freed;
    freed = at;
  }
  pthread_mutex_unlock(&children.lock);
  while (freed != NULL) {
    struct process *process = freed;
    freed = process->next;
    process_free(process);
  }
}

int child_signal(struct environment *environment, double token, int number, int to_group) {
  pthread_mutex_lock(&children.lock);
  const struct process *process = find_locked(environment, token);
  int error = ESRCH;
  if (process != NULL && !process->reaped) {
    int pid = process->result.pid;
    error = kill(to_group ? -pid : pid, number) == 0 ? 0 : errno;
  }
  pthread_mutex_unlock(&children.lock);
  return error;
}

int child_pin(struct environment *environment, double token, int unreaped) {
  pthread_mutex_lock(&children.lock);
  struct process *process = find_locked(environment, token);
  /* Its descriptor stays until JavaScript was told of the end, even if it was reaped by then. */
  int error = process == NULL || (unreaped && process->reaped) ? ESRCH : 0;
  if (error == 0) {
    process->pins++;
    process->pinned_unreaped |= unreaped;
  }
  pthread_mutex_unlock(&children.lock);
  return error;
}

void child_unpin(struct environment *environment, double token) {
  pthread_mutex_lock(&children.lock);
  struct process *process = find_locked(environment, token);
  if (process != NULL && process->pins > 0)
    process = unpin_locked(process, 1);
  else
    process = NULL;
  pthread_mutex_unlock(&children.lock);
  if (process != NULL)
    process_free(process);
}
