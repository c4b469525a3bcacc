#define _GNU_SOURCE /* Linux: clocks of conditions */
#include "environment.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define SECOND 1000000000L
#define MILLISECOND 1000000L

#ifdef __APPLE__ /* has no pthread_condattr_setclock(3) */
#define CLOCK CLOCK_REALTIME
#else
#define CLOCK CLOCK_MONOTONIC
#endif

struct environment {
  pthread_mutex_t lock; /* guards the fields down to `to_wake`; held for microseconds */
  int references;
  int closed;
  int drained; /* closed, and nothing that was queued before is left */
  int woken;   /* was woken, and has not seen an empty queue since */
  struct queue completions;
  int is_awaiting; /* its thread waits for a completion */
  pthread_cond_t delivered;
  int to_wake;
  void (*wake)(void *);
  void *wake_data;
  struct owned owned;               /* of the JavaScript thread only */
  struct environment *next_to_wake; /* guarded by the lock of `news` */
};

/* The environments that have something new. */
static struct {
  pthread_mutex_t lock;
  struct environment *first;
} news = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct environment *environment_create(void (*wake)(void *), void *wake_data) {
  struct environment *environment = calloc(1, sizeof *environment);
  if (environment == NULL)
    return NULL;
  pthread_mutex_init(&environment->lock, NULL);
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
#ifndef __APPLE__
  pthread_condattr_setclock(&attributes, CLOCK);
#endif
  pthread_cond_init(&environment->delivered, &attributes);
  pthread_condattr_destroy(&attributes);
  environment->references = 1;
  environment->wake = wake;
  environment->wake_data = wake_data;
  return environment;
}

void environment_retain(struct environment *environment) {
  pthread_mutex_lock(&environment->lock);
  environment->references++;
  pthread_mutex_unlock(&environment->lock);
}

void environment_release(struct environment *environment) {
  pthread_mutex_lock(&environment->lock);
  int left = --environment->references;
  pthread_mutex_unlock(&environment->lock);
  if (left == 0) {
    pthread_cond_destroy(&environment->delivered);
    pthread_mutex_destroy(&environment->lock);
    free(environment);
  }
}

int environment_is_closed(struct environment *environment) {
  pthread_mutex_lock(&environment->lock);
  int closed = environment->closed;
  pthread_mutex_unlock(&environment->lock);
  return closed;
}

struct owned *environment_owned(struct environment *environment) {
  return &environment->owned;
}

void environment_deliver(struct environment *environment, struct completion *completion) {
  pthread_mutex_lock(&environment->lock);
  if (environment->drained) {
    pthread_mutex_unlock(&environment->lock);
    completion->type->discard(completion);
    return;
  }
  if (!completion->queued && !completion->forgotten) {
    completion->queued = 1;
    queue_add(&environment->completions, &completion->link);
    if (environment->is_awaiting)
      pthread_cond_signal(&environment->delivered);
  }
  int remember = !environment->to_wake && !environment->woken;
  if (remember) {
    environment->to_wake = 1;
    environment->references++;
  }
  pthread_mutex_unlock(&environment->lock);
  if (remember) {
    pthread_mutex_lock(&news.lock);
    environment->next_to_wake = news.first;
    news.first = environment;
    pthread_mutex_unlock(&news.lock);
  }
}

/* NULL when there is none. */
static struct environment *take_news(void) {
  pthread_mutex_lock(&news.lock);
  struct environment *environment = news.first;
  if (environment != NULL)
    news.first = environment->next_to_wake;
  pthread_mutex_unlock(&news.lock);
  return environment;
}

void environments_wake(void) {
  struct environment *environment;
  while ((environment = take_news()) != NULL) {
    pthread_mutex_lock(&environment->lock);
    environment->to_wake = 0;
    if (!environment->closed && !environment->woken && environment->completions.first != NULL) {
      environment->woken = 1;
      /* Under the lock: environment_close waits here before what `wake` needs goes away. */
      environment->wake(environment->wake_data);
    }
    pthread_mutex_unlock(&environment->lock);
    environment_release(environment);
  }
}

/* The lock is held. */
static struct completion *take_locked(struct environment *environment, int kind,
                                      int (*is_wanted)(struct completion *, double), double token) {
  struct link *at = environment->completions.first;
  for (; at != NULL; at = at->next) {
    struct completion *completion = (struct completion *)at;
    if ((kind == ANY_KIND || completion->type->kind == kind) &&
        (is_wanted == NULL || is_wanted(completion, token)))
      break;
  }
  if (at == NULL)
    return NULL;
  queue_remove(&environment->completions, at);
  ((struct completion *)at)->queued = 0;
  return (struct completion *)at;
}

struct completion *environment_await(struct environment *environment, int kind,
                                     int (*is_wanted)(struct completion *, double), double token,
                                     int milliseconds) {
  struct timespec until;
  clock_gettime(CLOCK, &until);
  until.tv_sec += milliseconds / 1000;
  until.tv_nsec += milliseconds % 1000 * MILLISECOND;
  if (until.tv_nsec >= SECOND) {
    until.tv_sec++;
    until.tv_nsec -= SECOND;
  }
  pthread_mutex_lock(&environment->lock);
  environment->is_awaiting = 1;
  struct completion *completion;
  while ((completion = take_locked(environment, kind, is_wanted, token)) == NULL) {
    if (pthread_cond_timedwait(&environment->delivered, &environment->lock, &until) != 0)
      break;
  }
  environment->is_awaiting = 0;
  pthread_mutex_unlock(&environment->lock);
  return completion;
}

struct completion *environment_take(struct environment *environment, int kind) {
  pthread_mutex_lock(&environment->lock);
  struct completion *completion = take_locked(environment, kind, NULL, 0);
  if (completion == NULL && kind == ANY_KIND)
    environment->woken = 0;
  pthread_mutex_unlock(&environment->lock);
  return completion;
}

void environment_forget(struct environment *environment, struct completion *completion) {
  pthread_mutex_lock(&environment->lock);
  completion->forgotten = 1;
  if (completion->queued)
    queue_remove(&environment->completions, &completion->link);
  completion->queued = 0;
  pthread_mutex_unlock(&environment->lock);
}

void environment_close(struct environment *environment) {
  struct completion *completion;
  owned_close(&environment->owned);
  pthread_mutex_lock(&environment->lock);
  environment->closed = 1;
  /* One after another: what is delivered meanwhile may be of the object of an earlier one, and the
     last one of an object frees it. */
  while ((completion = (void *)queue_take(&environment->completions)) != NULL) {
    completion->queued = 0;
    pthread_mutex_unlock(&environment->lock);
    completion->type->discard(completion);
    pthread_mutex_lock(&environment->lock);
  }
  environment->drained = 1;
  pthread_mutex_unlock(&environment->lock);
  environment_release(environment);
}
