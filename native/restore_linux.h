/*
 * What a child changes of its parent on Linux, and how the parent gets it back.
 */
#ifndef FORKEXEC_RESTORE_LINUX_H
#define FORKEXEC_RESTORE_LINUX_H

struct program;

/* Whether a child that runs it may clear the dumpable flag of the memory that it shares with this
   process: set*id does, and what gains capabilities. Any thread. */
int clears_dumpable(const struct program *program);
/*
 * Around what may clear the flag. It is set again once nothing of the kind is under way any more: a
 * child that has become another user's, and shares the memory until its execve, would open it to
 * that user. Any thread; holds a lock for microseconds.
 */
void dumpable_keep(void);
void dumpable_restore(void);

#endif
