#define _GNU_SOURCE
#include "waiter.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#define INTERVAL (1000000000L / WAITER_LOOKS_PER_SECOND) /* nanoseconds */

/* The lock guards all of it and is held for microseconds. */
static struct {
  pthread_mutex_t lock;
  pthread_cond_t added;
  int running;              /* whether there is the thread that looks */
  int threads;              /* that wait for one child each */
  struct child_wait *first; /* the children that no thread waits for */
} waiter = {.lock = PTHREAD_MUTEX_INITIALIZER, .added = PTHREAD_COND_INITIALIZER};

/*
 * Whether the child has ended; `options` is WNOHANG, or 0 to wait for it. A traced child is
 * reported when it stops, too, whatever was asked for: that is for its tracer, and says nothing
 * here.
 */
static int has_ended(const struct child_wait *wait, int options) {
  siginfo_t info;
  int result;
  do {
    info.si_pid = 0;
    result = waitid(P_PID, (id_t)wait->pid, &info, WEXITED | WNOWAIT | options);
  } while (result != 0 && errno == EINTR);
  if (result != 0)
    return 1; /* ECHILD: somebody else reaped it */
  return info.si_pid != 0 &&
         (info.si_code == CLD_EXITED || info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED);
}

static void pause_between_looks(void) {
  const struct timespec interval = {.tv_nsec = INTERVAL};
  nanosleep(&interval, NULL);
}

/* A child that no thread waits for, or NULL. */
static struct child_wait *take(void) {
  pthread_mutex_lock(&waiter.lock);
  struct child_wait *wait = waiter.first;
  if (wait != NULL)
    waiter.first = wait->next;
  else
    waiter.threads--;
  pthread_mutex_unlock(&waiter.lock);
  return wait;
}

/* Waits for one child, then for those that had no thread. */
static void wait_main(struct thread *thread) {
  for (struct child_wait *wait = (void *)thread; wait != NULL; wait = take()) {
    while (!has_ended(wait, 0))
      pause_between_looks();
    wait->ended(wait);
  }
}

/* Takes all that have ended out of a list. Returns them. */
static struct child_wait *take_ended(struct child_wait **list) {
  struct child_wait *ended = NULL;
  while (*list != NULL) {
    struct child_wait *wait = *list;
    if (has_ended(wait, WNOHANG)) {
      *list = wait->next;
      wait->next = ended;
      ended = wait;
    } else {
      list = &wait->next;
    }
  }
  return ended;
}

static void look_main(struct thread *unused) {
  (void)unused;
  for (;;) {
    pthread_mutex_lock(&waiter.lock);
    while (waiter.first == NULL)
      pthread_cond_wait(&waiter.added, &waiter.lock);
    struct child_wait *ended = take_ended(&waiter.first);
    pthread_mutex_unlock(&waiter.lock);
    while (ended != NULL) {
      struct child_wait *wait = ended;
      ended = wait->next; /* `ended` may free it */
      wait->ended(wait);
    }
    pause_between_looks();
  }
}

static struct thread look_thread = {look_main, "forkexec-look"};

int waiter_start(void) {
  pthread_mutex_lock(&waiter.lock);
  int error = waiter.running ? 0 : thread_start(&look_thread);
  waiter.running = error == 0;
  pthread_mutex_unlock(&waiter.lock);
  return error;
}

void waiter_add(struct child_wait *wait) {
  wait->thread = (struct thread){wait_main, "forkexec-wait"};
  pthread_mutex_lock(&waiter.lock);
  if (waiter.threads < WAITER_MAX_THREADS && thread_start(&wait->thread) == 0) {
    waiter.threads++;
  } else {
    wait->next = waiter.first;
    waiter.first = wait;
    pthread_cond_signal(&waiter.added);
  }
  pthread_mutex_unlock(&waiter.lock);
}
