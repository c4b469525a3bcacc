#include "environment.h"
#include "channel.h"

#include <pthread.h>
#include <stdlib.h>

struct environment {
  pthread_mutex_t lock; /* guards the fields down to `to_wake`; held for microseconds */
  int references;
  int closed;
  int woken; /* told to look, and has not seen an empty queue since */
  struct completion *first, *last;
  int to_wake;
  void (*wake)(void *);
  void *wake_data;
  struct channel *channels;         /* the JavaScript thread's own */
  struct environment *next_to_wake; /* the spawner's own */
};

/* The environments that have something new. The spawner's thread only. */
static struct environment *to_wake;

struct environment *environment_create(void (*wake)(void *), void *wake_data) {
  struct environment *environment = calloc(1, sizeof *environment);
  if (environment == NULL)
    return NULL;
  pthread_mutex_init(&environment->lock, NULL);
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

struct channel **environment_channels(struct environment *environment) {
  return &environment->channels;
}

void environment_deliver(struct environment *environment, struct completion *completion) {
  pthread_mutex_lock(&environment->lock);
  if (environment->closed) {
    pthread_mutex_unlock(&environment->lock);
    completion->discard(completion);
    return;
  }
  if (!completion->queued && !completion->forgotten) {
    completion->queued = 1;
    completion->next = NULL;
    if (environment->last == NULL)
      environment->first = completion;
    else
      environment->last->next = completion;
    environment->last = completion;
  }
  int remember = !environment->to_wake && !environment->woken;
  if (remember) {
    environment->to_wake = 1;
    environment->references++;
  }
  pthread_mutex_unlock(&environment->lock);
  if (remember) {
    environment->next_to_wake = to_wake;
    to_wake = environment;
  }
}

void environments_wake(void) {
  while (to_wake != NULL) {
    struct environment *environment = to_wake;
    to_wake = environment->next_to_wake;
    pthread_mutex_lock(&environment->lock);
    environment->to_wake = 0;
    if (!environment->closed && !environment->woken && environment->first != NULL) {
      environment->woken = 1;
      /* Under the lock: environment_close waits here before what `wake` needs goes away. */
      environment->wake(environment->wake_data);
    }
    pthread_mutex_unlock(&environment->lock);
    environment_release(environment);
  }
}

struct completion *environment_take(struct environment *environment) {
  pthread_mutex_lock(&environment->lock);
  struct completion *completion = environment->first;
  if (completion == NULL) {
    environment->woken = 0;
  } else {
    completion->queued = 0;
    environment->first = completion->next;
    if (environment->first == NULL)
      environment->last = NULL;
  }
  pthread_mutex_unlock(&environment->lock);
  return completion;
}

struct completion *environment_take_kind(struct environment *environment, int kind) {
  pthread_mutex_lock(&environment->lock);
  struct completion **link = &environment->first;
  struct completion *previous = NULL, *found;
  while (*link != NULL && (*link)->kind != kind) {
    previous = *link;
    link = &previous->next;
  }
  found = *link;
  if (found != NULL) {
    *link = found->next;
    if (environment->last == found)
      environment->last = previous;
    found->queued = 0;
  }
  pthread_mutex_unlock(&environment->lock);
  return found;
}

void environment_forget(struct environment *environment, struct completion *completion) {
  pthread_mutex_lock(&environment->lock);
  struct completion **link = &environment->first;
  struct completion *previous = NULL;
  completion->forgotten = 1;
  while (completion->queued && *link != NULL) {
    if (*link == completion) {
      *link = completion->next;
      if (environment->last == completion)
        environment->last = previous;
      completion->queued = 0;
      break;
    }
    previous = *link;
    link = &previous->next;
  }
  pthread_mutex_unlock(&environment->lock);
}

void environment_close(struct environment *environment) {
  pthread_mutex_lock(&environment->lock);
  environment->closed = 1;
  struct completion *completion = environment->first;
  environment->first = environment->last = NULL;
  pthread_mutex_unlock(&environment->lock);
  while (completion != NULL) {
    struct completion *next = completion->next;
    completion->queued = 0;
    completion->discard(completion);
    completion = next;
  }
  while (environment->channels != NULL)
    channel_close(environment->channels);
  environment_release(environment);
}
