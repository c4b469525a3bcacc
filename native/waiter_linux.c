#define _GNU_SOURCE
#include "waiter.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#define STACK_SIZE (128u << 10) /* glibc takes no less on arm64; pages count when used */
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
static void *wait_main(void *argument) {
  pthread_setname_np(pthread_self(), "forkexec-wait");
  for (struct child_wait *wait = argument; wait != NULL; wait = take()) {
    while (!has_ended(wait, 0))
      pause_between_looks();
    wait->ended(wait);
  }
  return NULL;
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

static void *look_main(void *unused) {
  (void)unused;
  pthread_setname_np(pthread_self(), "forkexec-look");
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
  return NULL;
}

/* Creates a thread with all signals blocked, so that none is ever handled on it. */
static int create_thread(void *(*body)(void *), void *argument) {
  sigset_t all, before;
  pthread_attr_t attributes;
  pthread_t thread;
  sigfillset(&all);
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, STACK_SIZE);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&thread, &attributes, body, argument);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  return error;
}

int waiter_start(void) {
  pthread_mutex_lock(&waiter.lock);
  int error = waiter.running ? 0 : create_thread(look_main, NULL);
  waiter.running = error == 0;
  pthread_mutex_unlock(&waiter.lock);
  return error;
}

void waiter_add(struct child_wait *wait) {
  pthread_mutex_lock(&waiter.lock);
  if (waiter.threads < WAITER_MAX_THREADS && create_thread(wait_main, wait) == 0) {
    waiter.threads++;
  } else {
    wait->next = waiter.first;
    waiter.first = wait;
    pthread_cond_signal(&waiter.added);
  }
  pthread_mutex_unlock(&waiter.lock);
}
