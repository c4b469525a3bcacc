/* The processes that are left to `forkexec init`. */
#ifndef FORKEXEC_INIT_ORPHANS_H
#define FORKEXEC_INIT_ORPHANS_H

/*
 * Sends SIGTERM to each child of this process that has not had it yet, or SIGKILL to all. Children
 * of children follow: they are ours once their parents have ended. Returns whether there are any
 * that can be signalled. `program` is a pidfd of the program, which has ended.
 */
int end_children(int kill, int program);

#endif
