/* Threads of this library, and how one waits for another. */
#ifndef FORKEXEC_THREAD_H
#define FORKEXEC_THREAD_H

#include <pthread.h>

/* What a thread does. Part of what it is about, so nothing is allocated: malloc in a new thread
   would map 64 MiB for it. */
struct thread {
  void (*run)(struct thread *);
  const char *name; /* 15 characters at the most */
};

/*
 * Starts a detached thread with all signals blocked, so that no handler ever runs on it. `thread`
 * is read once, as it begins. Any thread; does not block. Returns 0 or a positive errno.
 */
int thread_start(struct thread *thread);
/* Whether the calling thread is the one that the process began with, and that lives as long. */
int thread_is_first(void);

/* One thread waits until another opens the latch, once. It is gone when latch_wait returns. */
struct latch {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int open;
};
#define LATCH                                                                                      \
  { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 }

/* Any thread; does not block. */
void latch_open(struct latch *latch);
/* Any thread; blocks. */
void latch_wait(struct latch *latch);

#endif
