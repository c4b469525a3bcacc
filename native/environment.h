/*
 * What other threads have to report to one JavaScript thread, until that thread takes it.
 *
 * A completion is part of the object that it is about, so nothing is allocated to deliver one, and
 * one wake-up serves for all that wait.
 */
#ifndef FORKEXEC_ENVIRONMENT_H
#define FORKEXEC_ENVIRONMENT_H

#include "owned.h"
#include "queue.h"

struct environment;
struct completion;

/* What becomes of the completions of one kind. */
struct completion_type {
  int kind; /* COMPLETION_… */
  /* Fills in the columns after ROW_KIND; `reader` is what the reader of the queue passes. On the
     JavaScript thread, which is through with the completion if there is no `finish`. */
  void (*write)(struct completion *, double *row, void *reader);
  /* Called after JavaScript was called with the row, or could not be. On the JavaScript thread. */
  void (*finish)(struct completion *, int was_told);
  /* Called instead of both once the environment is closed, in the order of the deliveries of one
     thread. Any thread; does not block. */
  void (*discard)(struct completion *);
};

struct completion {
  struct link link; /* this and the next two belong to environment.c */
  int queued;
  int forgotten;
  const struct completion_type *type;
};

/*
 * `wake` makes the JavaScript thread call environment_take until it returns NULL. It is called on
 * any thread, never after environment_close began, and must not block.
 */
struct environment *environment_create(void (*wake)(void *), void *wake_data);
/* Once, on the JavaScript thread: processes go on and are reaped. */
void environment_close(struct environment *environment);

/* Any thread; none blocks. What refers to an environment keeps it in memory. */
void environment_retain(struct environment *environment);
void environment_release(struct environment *environment);
int environment_is_closed(struct environment *environment);

/* The descriptors that belong to its JavaScript thread, and which that thread alone looks at. */
struct owned *environment_owned(struct environment *environment);

#define ANY_KIND (-1)
/* Takes the oldest completion of a kind, or returns NULL. The JavaScript thread only. */
struct completion *environment_take(struct environment *environment, int kind);
/* Takes a completion back if it waits, and it is never queued again. The JavaScript thread only. */
void environment_forget(struct environment *environment, struct completion *completion);

/*
 * Takes the oldest completion of a kind that `is_wanted` accepts; waits for it so many milliseconds
 * at the most. Returns NULL if none came. The JavaScript thread only.
 */
struct completion *environment_await(struct environment *environment, int kind,
                                     int (*is_wanted)(struct completion *, double), double token,
                                     int milliseconds);

/* Queues a completion, unless it is queued already. Any thread; does not block. */
void environment_deliver(struct environment *environment, struct completion *completion);
/* Wakes each environment once for all that was delivered. Any thread; does not block. */
void environments_wake(void);

#endif
