/*
 * A queue whose links are part of what waits in it, so nothing is allocated. Its owner guards it
 * with a lock. No function blocks.
 */
#ifndef FORKEXEC_QUEUE_H
#define FORKEXEC_QUEUE_H

#include <stddef.h>

struct link {
  struct link *next;
};

struct queue {
  struct link *first, *last;
};

/* Something to do on another thread. The first member of what it is about, or found with OWNER. */
struct request {
  struct link link;
  void (*run)(struct request *);
  /* Instead of `run`, where there can be no thread for it: NULL if that can't be. */
  void (*refuse)(struct request *, int error);
};

/* The struct of that type whose member `pointer` points at. */
#define OWNER(type, member, pointer) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline void queue_add(struct queue *queue, struct link *link) {
  link->next = NULL;
  if (queue->last == NULL)
    queue->first = link;
  else
    queue->last->next = link;
  queue->last = link;
}

/* Takes the oldest, or returns NULL. */
static inline struct link *queue_take(struct queue *queue) {
  struct link *link = queue->first;
  if (link != NULL)
    queue->first = link->next;
  if (queue->first == NULL)
    queue->last = NULL;
  return link;
}

/* Takes out one from anywhere. Returns whether it was there. */
static inline int queue_remove(struct queue *queue, const struct link *link) {
  struct link *previous = NULL, *at = queue->first;
  for (; at != NULL && at != link; at = at->next)
    previous = at;
  if (at == NULL)
    return 0;
  if (previous == NULL)
    queue->first = at->next;
  else
    previous->next = at->next;
  if (queue->last == at)
    queue->last = previous;
  return 1;
}

#endif
