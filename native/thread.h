/* Threads of this library's own. */
#ifndef FORKEXEC_THREAD_H
#define FORKEXEC_THREAD_H

/*
 * Starts a detached thread with all signals blocked, so that none is ever handled on it. `name`
 * outlives it, and has 15 characters at the most. Returns 0 or an errno. Any thread.
 */
int thread_start(const char *name, void (*run)(void));
/* Whether the calling thread is the one that the process began with, and that lives as long. */
int thread_is_first(void);

#endif
