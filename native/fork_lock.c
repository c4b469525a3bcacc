#include "fork_lock.h"

#include <pthread.h>
#include <stddef.h>

/* The lock guards the counts and the queue and is held for nanoseconds. */
static struct {
  pthread_mutex_t lock;
  int held[3]; /* by mode */
  struct lock_wait *first, *last;
} fork_lock = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Whether the holders there are allow one more of this mode: only its own kind, and one writer. */
static int is_free(enum lock_mode mode) {
  for (int other = LOCK_READ; other <= LOCK_LAUNCH; other++) {
    int shared = (int)mode == other && mode != LOCK_WRITE;
    if (fork_lock.held[other] > 0 && !shared)
      return 0;
  }
  return 1;
}

int fork_lock_acquire(struct lock_wait *wait) {
  wait->next = NULL;
  pthread_mutex_lock(&fork_lock.lock);
  /* Behind those that wait already, even if it could be had: else they might wait for ever. */
  int granted = fork_lock.first == NULL && is_free(wait->mode);
  if (granted) {
    fork_lock.held[wait->mode]++;
  } else {
    if (fork_lock.last == NULL)
      fork_lock.first = wait;
    else
      fork_lock.last->next = wait;
    fork_lock.last = wait;
  }
  pthread_mutex_unlock(&fork_lock.lock);
  return granted;
}

/* Takes from the queue's head all that can go now; the lock is held. */
static struct lock_wait *take_granted_locked(void) {
  struct lock_wait *granted = NULL, **end = &granted;
  while (fork_lock.first != NULL && is_free(fork_lock.first->mode)) {
    struct lock_wait *wait = fork_lock.first;
    fork_lock.held[wait->mode]++;
    fork_lock.first = wait->next;
    if (fork_lock.first == NULL)
      fork_lock.last = NULL;
    wait->next = NULL;
    *end = wait;
    end = &wait->next;
  }
  return granted;
}

static void call_granted(struct lock_wait *wait) {
  while (wait != NULL) {
    struct lock_wait *next = wait->next;
    wait->granted(wait);
    wait = next;
  }
}

void fork_lock_release(enum lock_mode mode) {
  pthread_mutex_lock(&fork_lock.lock);
  fork_lock.held[mode]--;
  struct lock_wait *granted = take_granted_locked();
  pthread_mutex_unlock(&fork_lock.lock);
  call_granted(granted);
}

int fork_lock_cancel(struct lock_wait *wait) {
  struct lock_wait *previous = NULL;
  pthread_mutex_lock(&fork_lock.lock);
  struct lock_wait *at = fork_lock.first;
  for (; at != NULL && at != wait; at = at->next)
    previous = at;
  if (at != NULL) {
    if (previous == NULL)
      fork_lock.first = wait->next;
    else
      previous->next = wait->next;
    if (fork_lock.last == wait)
      fork_lock.last = previous;
  }
  struct lock_wait *granted = take_granted_locked();
  pthread_mutex_unlock(&fork_lock.lock);
  call_granted(granted);
  return at != NULL;
}
