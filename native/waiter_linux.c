/* POSIX alone, but kqueue(2) makes it needless elsewhere. */
#define _GNU_SOURCE
#include "waiter.h"
#include "thread.h"

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
  int running;           /* whether there is the thread that looks */
  int threads;           /* that wait for one child each */
  struct queue children; /* that no thread waits for */
  int count;             /* how many those are */
} waiter = {.lock = PTHREAD_MUTEX_INITIALIZER, .added = PTHREAD_COND_INITIALIZER};

/*
 * Whether the child has ended; `options` is WNOHANG, or 0 to wait for it. A traced child is also
 * reported when it stops, whatever was asked for: its tracer takes that, and it means nothing here.
 */
static int has_ended(const struct child_wait *wait, int options) {
  siginfo_t info;
  int result;
  do {
    info.si_pid = 0;
    result = waitid(P_PID, (id_t)wait->pid, &info, WEXITED | WNOWAIT | options);
  } while (result != 0 && errno == EINTR);
  if (result != 0)
    return 1; /* ECHILD: other code reaped it */
  return info.si_pid != 0 &&
         (info.si_code == CLD_EXITED || info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED);
}

static void pause_between_looks(void) {
  const struct timespec interval = {.tv_nsec = INTERVAL};
  nanosleep(&interval, NULL);
}

/* A child that no thread waits for, or NULL. The lock is held. */
static struct child_wait *take_locked(void) {
  struct link *link = queue_take(&waiter.children);
  waiter.count -= link != NULL;
  return link == NULL ? NULL : OWNER(struct child_wait, link, link);
}

/* The lock is held. */
static void put_locked(struct child_wait *wait) {
  queue_add(&waiter.children, &wait->link);
  waiter.count++;
  pthread_cond_signal(&waiter.added);
}

/* Waits for one child, then for those that had no thread. */
static void wait_main(struct thread *thread) {
  struct child_wait *wait = OWNER(struct child_wait, thread, thread);
  while (wait != NULL) {
    while (!has_ended(wait, 0))
      pause_between_looks();
    wait->ended(wait);
    pthread_mutex_lock(&waiter.lock);
    wait = take_locked();
    waiter.threads -= wait == NULL;
    pthread_mutex_unlock(&waiter.lock);
  }
}

/* Looks at each child that no thread waits for, again and again. */
static void look_main(struct thread *unused) {
  (void)unused;
  for (;; pause_between_looks()) {
    pthread_mutex_lock(&waiter.lock);
    while (waiter.count == 0)
      pthread_cond_wait(&waiter.added, &waiter.lock);
    for (int left = waiter.count; left > 0; left--) {
      struct child_wait *wait = take_locked();
      if (wait == NULL)
        break;
      if (!has_ended(wait, WNOHANG)) {
        put_locked(wait);
        continue;
      }
      pthread_mutex_unlock(&waiter.lock);
      wait->ended(wait); /* may free it, and add another */
      pthread_mutex_lock(&waiter.lock);
    }
    pthread_mutex_unlock(&waiter.lock);
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
  if (waiter.threads < WAITER_MAX_THREADS && thread_start(&wait->thread) == 0)
    waiter.threads++;
  else
    put_locked(wait);
  pthread_mutex_unlock(&waiter.lock);
}
