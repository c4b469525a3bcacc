/*
 * The fork lock, between launches and code that for a moment has descriptors which no child is
 * allowed to have: made without close-on-exec, or open for writing on a file that is about to be
 * executed. Go calls it syscall.ForkLock.
 *
 * Any number of readers, or writers: a launch is a writer for the time of its clone, and launches
 * don't exclude each other. Requests are granted in their order, so neither side starves. Shared by
 * all JavaScript threads. No function waits: a request that has to wait is called back.
 */
#ifndef FORKEXEC_FORK_LOCK_H
#define FORKEXEC_FORK_LOCK_H

#include "queue.h"

/* A wish for the lock. Part of what it is for. */
struct lock_wait {
  struct link link;
  enum lock_mode { FORK_LOCK_READ, FORK_LOCK_WRITE, FORK_LOCK_LAUNCH } mode;
  void (*granted)(struct lock_wait *); /* on whichever thread released; must not block */
};

/* Any thread; none blocks. */

/* True: it is held now. False: `granted` is called when it is. */
int fork_lock_acquire(struct lock_wait *wait);
void fork_lock_release(enum lock_mode mode);
/*
 * Grants the launches that wait behind readers or a writer, if launches have the lock anyway: one
 * of them takes long, and the others are not to wait for it.
 */
void fork_lock_pass_launches(void);
/* Takes back what was not granted yet; false if it was. */
int fork_lock_cancel(struct lock_wait *wait);

#endif
