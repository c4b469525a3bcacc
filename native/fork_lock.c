#include "fork_lock.h"

#include <pthread.h>

/* The lock guards the counts and the queue and is held for nanoseconds. */
static struct {
  pthread_mutex_t lock;
  int held[3]; /* by mode */
  struct queue waits;
} fork_lock = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Whether the holders allow one more of this mode: only its own kind, and one writer. */
static int is_free(enum lock_mode mode) {
  for (int other = FORK_LOCK_READ; other <= FORK_LOCK_LAUNCH; other++) {
    int shared = (int)mode == other && mode != FORK_LOCK_WRITE;
    if (fork_lock.held[other] > 0 && !shared)
      return 0;
  }
  return 1;
}

int fork_lock_acquire(struct lock_wait *wait) {
  pthread_mutex_lock(&fork_lock.lock);
  /* Behind those that wait already, even if it could be had: else they might never have it. */
  int granted = fork_lock.waits.first == NULL && is_free(wait->mode);
  if (granted)
    fork_lock.held[wait->mode]++;
  else
    queue_add(&fork_lock.waits, &wait->link);
  pthread_mutex_unlock(&fork_lock.lock);
  return granted;
}

/* Takes from the queue's head all that can go now; the lock is held. */
static struct queue take_granted_locked(void) {
  struct queue granted = {0};
  for (;;) {
    struct lock_wait *wait = (void *)fork_lock.waits.first;
    if (wait == NULL || !is_free(wait->mode))
      return granted;
    fork_lock.held[wait->mode]++;
    queue_add(&granted, queue_take(&fork_lock.waits));
  }
}

static void call_granted(struct queue granted) {
  struct lock_wait *wait;
  while ((wait = (void *)queue_take(&granted)) != NULL)
    wait->granted(wait);
}

void fork_lock_release(enum lock_mode mode) {
  pthread_mutex_lock(&fork_lock.lock);
  fork_lock.held[mode]--;
  struct queue granted = take_granted_locked();
  pthread_mutex_unlock(&fork_lock.lock);
  call_granted(granted);
}

void fork_lock_pass_launches(void) {
  struct queue granted = {0}, left = {0};
  pthread_mutex_lock(&fork_lock.lock);
  if (fork_lock.held[FORK_LOCK_LAUNCH] > 0) {
    struct lock_wait *wait;
    while ((wait = (void *)queue_take(&fork_lock.waits)) != NULL) {
      int passes = wait->mode == FORK_LOCK_LAUNCH;
      fork_lock.held[FORK_LOCK_LAUNCH] += passes;
      queue_add(passes ? &granted : &left, &wait->link);
    }
    fork_lock.waits = left;
  }
  pthread_mutex_unlock(&fork_lock.lock);
  call_granted(granted);
}

int fork_lock_cancel(struct lock_wait *wait) {
  pthread_mutex_lock(&fork_lock.lock);
  int waited = queue_remove(&fork_lock.waits, &wait->link);
  struct queue granted = take_granted_locked();
  pthread_mutex_unlock(&fork_lock.lock);
  call_granted(granted);
  return waited;
}
