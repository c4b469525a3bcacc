#include "environment.h"

#include <pthread.h>
#include <stdlib.h>

struct environment {
  pthread_mutex_t lock; /* guards the fields down to `to_wake`; held for microseconds */
  int references;
  int closed;
  int woken; /* was woken, and has not seen an empty queue since */
  struct queue completions;
  int to_wake;
  void (*wake)(void *);
  void *wake_data;
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

void environment_deliver(struct environment *environment, struct completion *completion) {
  pthread_mutex_lock(&environment->lock);
  if (environment->closed) {
    pthread_mutex_unlock(&environment->lock);
    completion->type->discard(completion);
    return;
  }
  if (!completion->queued && !completion->forgotten) {
    completion->queued = 1;
    queue_add(&environment->completions, &completion->link);
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
    if (!environment->closed && !environment->woken && environment->completions.first != NULL) {
      environment->woken = 1;
      /* Under the lock: environment_close waits here before what `wake` needs goes away. */
      environment->wake(environment->wake_data);
    }
    pthread_mutex_unlock(&environment->lock);
    environment_release(environment);
  }
}

struct completion *environment_take(struct environment *environment, int kind) {
  pthread_mutex_lock(&environment->lock);
  struct link *at = environment->completions.first;
  while (at != NULL && kind != ANY_KIND && ((struct completion *)at)->type->kind != kind)
    at = at->next;
  struct completion *completion = (struct completion *)at;
  if (completion != NULL) {
    queue_remove(&environment->completions, at);
    completion->queued = 0;
  } else if (kind == ANY_KIND) {
    environment->woken = 0;
  }
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
  pthread_mutex_lock(&environment->lock);
  environment->closed = 1;
  pthread_mutex_unlock(&environment->lock);
  /* From here on nothing is queued any more. */
  struct completion *completion;
  while ((completion = (void *)queue_take(&environment->completions)) != NULL) {
    completion->queued = 0;
    completion->type->discard(completion);
  }
  environment_release(environment);
}
