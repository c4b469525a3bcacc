/*
 * The end of a child that has no pidfd.
 *
 * SIGCHLD cannot be used, since it belongs to the runtime, and a wait for any child would find the
 * children of other code. So a thread waits for each child and leaves its status to be reaped; such
 * a thread costs a few pages, next to the process that it waits for. Beyond WAITER_MAX_THREADS
 * children, or if no thread can be started, one more thread looks at the rest
 * WAITER_LOOKS_PER_SECOND times a second. On macOS and FreeBSD kqueue(2) does all of this.
 */
#ifndef FORKEXEC_WAITER_H
#define FORKEXEC_WAITER_H

#include "queue.h"
#include "thread.h"

#include <sys/types.h>

#ifndef WAITER_MAX_THREADS /* a test has fewer */
#define WAITER_MAX_THREADS 256
#endif
#define WAITER_LOOKS_PER_SECOND 100

/* One child that is waited for. Part of what it is about, so nothing is allocated. */
struct child_wait {
  struct thread thread; /* this and the next are the waiter's own */
  struct link link;
  pid_t pid;
  /* Called when the child has ended and is not reaped, unless other code did that. On a thread of
     the waiter, which does not use this struct any more. Does not block. */
  void (*ended)(struct child_wait *);
};

/*
 * To be called before the first child exists, so that waiting can't fail. Any thread; does not
 * block. Returns 0 or a positive errno.
 */
int waiter_start(void);
/*
 * Calls `ended` once this child of this process has ended: at once if it has ended already, and 10
 * ms later at most if it is traced. To be called before the child is reaped. Any thread; does not
 * block.
 */
void waiter_add(struct child_wait *wait);

#endif
