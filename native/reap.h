/*
 * The end of the children that JavaScript awaits, and signals for them by number.
 *
 * They are reaped here and nowhere else, under a lock. A number means a child until it is reaped: a
 * signal that is sent to a number under the same lock reaches that child or nobody. Where there are
 * pidfds they serve instead; a container's filter or an older kernel may have none.
 *
 * The functions: any thread; they hold the lock for microseconds. A child is known by its
 * environment and token; those with a result give 0 or a positive errno, ESRCH once it was reaped.
 */
#ifndef FORKEXEC_REAP_H
#define FORKEXEC_REAP_H

#include "process.h"

/* Reaps a child that was launched once it has ended, and then delivers COMPLETION_EXITED. */
void reap_watch(struct process *process);
/* Its environment was told of the end, or is gone. Frees it, as soon as it is not pinned. */
void reap_release(struct process *process);
/* The environment closes: nobody is there to unpin. */
void reap_forget(struct environment *environment);

/* kill(2), to the child or to the group that it leads. */
int child_signal(struct environment *environment, double token, int number, int to_group);
/*
 * While a child is pinned its end is told all the same, and its pidfd stays open. With `unreaped`
 * it is not reaped either: the number of its group stays.
 */
int child_pin(struct environment *environment, double token, int unreaped);
void child_unpin(struct environment *environment, double token);

#endif
