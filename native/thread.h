#ifndef FORKEXEC_THREAD_H
#define FORKEXEC_THREAD_H

/*
 * Starts a detached thread with all signals blocked, so that no handler ever runs on it. `name`
 * outlives it, and has 15 characters at the most. Any thread; does not block. Returns 0 or a
 * positive errno.
 */
int thread_start(const char *name, void (*run)(void *argument), void *argument);
/* Whether the calling thread is the one that the process began with, and that lives as long. */
int thread_is_first(void);

#endif
