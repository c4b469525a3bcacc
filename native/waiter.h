/*
 * The end of children where no descriptor tells it.
 *
 * SIGCHLD can't be relied on, since the runtime owns it, and a wait for any child would find those
 * of others. So each child has a thread that waits for that child alone and takes nothing: the
 * status stays for whoever reaps. Such a thread costs a few pages, next to the process that it
 * waits for. There are WAITER_MAX_THREADS of them at the most; where they are all taken, or no more
 * can be had, one thread more looks at the other children WAITER_LOOKS_PER_SECOND times a second.
 *
 * POSIX alone, but for the names of the threads.
 */
#ifndef FORKEXEC_WAITER_H
#define FORKEXEC_WAITER_H

#include "thread.h"

#include <sys/types.h>

#ifndef WAITER_MAX_THREADS /* a test has fewer */
#define WAITER_MAX_THREADS 256
#endif
#define WAITER_LOOKS_PER_SECOND 100

/* One child that is waited for. Part of what it is about, so nothing is allocated. */
struct child_wait {
  struct thread thread; /* this and the next are the waiter's own */
  struct child_wait *next;
  pid_t pid;
  /* It has ended, and is not reaped unless somebody else did it. On a thread of the waiter, which
     is through with this struct by then. Does not block. */
  void (*ended)(struct child_wait *);
};

/*
 * To be called before a child exists that is to be waited for, so that waiting can't fail. Any
 * thread; does not block. Returns 0 or a positive errno.
 */
int waiter_start(void);
/*
 * Calls `ended` once that child of this process has ended, at once if it has already; after 10 ms
 * at the most where it is traced. To be called before the child is reaped. Any thread; does not
 * block.
 */
void waiter_add(struct child_wait *wait);

#endif
