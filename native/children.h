/* The list of children, for reap.c, reap_own.c and reap_row.c alone. */
#ifndef FORKEXEC_CHILDREN_H
#define FORKEXEC_CHILDREN_H

#include "reap.h"

#include <pthread.h>

/* All children that are listed and not freed. The lock is held for microseconds. */
extern struct children {
  pthread_mutex_t lock;
  struct child *first;
  int polled; /* how many of them are; only the watcher's thread writes it */
} children;

/* The functions: any thread; the lock is held. */

void unlink_locked(struct child *child);
/* NULL where there is no such child. */
struct child *find_locked(const struct environment *environment, double token);
/* The thread of a child of its own is gone: from here on it is like others. The JavaScript thread.
 */
void take_over_locked(struct child *child);

/* Writes the row of COMPLETION_EXITED. The JavaScript thread; does not block. */
void exited_write(struct completion *completion, double *row, void *reader);

#endif
