/*
 * What the spawner has to say to one JavaScript thread, until that thread takes it.
 *
 * A completion is part of the object it tells of, so nothing is allocated to deliver one, and one
 * wake-up serves for all that wait.
 */
#ifndef FORKEXEC_ENVIRONMENT_H
#define FORKEXEC_ENVIRONMENT_H

#include "protocol.h"

struct environment;
struct channel;

struct completion {
  struct completion *next;
  int queued; /* these two belong to environment.c */
  int forgotten;
  int kind; /* COMPLETION_… */
  void *owner;
  void (*discard)(struct completion *); /* instead of a delivery, once nobody is there */
};

/*
 * `wake` makes the JavaScript thread call environment_take until it returns NULL. It is called on
 * the spawner's thread, never after environment_close began, and must not block.
 */
struct environment *environment_create(void (*wake)(void *), void *wake_data);
/* Once, on the JavaScript thread: processes go on and are reaped, channels are closed. */
void environment_close(struct environment *environment);

/* Any thread. What refers to an environment keeps it in memory. */
void environment_retain(struct environment *environment);
void environment_release(struct environment *environment);
int environment_is_closed(struct environment *environment);

/* The JavaScript thread only: takes the oldest completion, or returns NULL. */
struct completion *environment_take(struct environment *environment);
/* The JavaScript thread only: the oldest completion of a kind, or NULL. */
struct completion *environment_take_kind(struct environment *environment, int kind);
/* The JavaScript thread only: takes back a completion if it waits, and it is never queued again. */
void environment_forget(struct environment *environment, struct completion *completion);

/* The spawner's thread only. A completion that is queued already is not queued again. */
void environment_deliver(struct environment *environment, struct completion *completion);
/* The spawner's thread only: wakes each environment once for all that was delivered. */
void environments_wake(void);

/* The JavaScript thread only. The channels that are closed with the environment. */
struct channel **environment_channels(struct environment *environment);

#endif
