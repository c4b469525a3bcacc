/*
 * What a child changes of its parent on Linux, and how the parent gets it back.
 */
#ifndef FORKEXEC_RESTORE_LINUX_H
#define FORKEXEC_RESTORE_LINUX_H

/* Around what may clear the dumpable flag of this process. Any thread; holds a lock for
   microseconds. */
void dumpable_keep(void);
void dumpable_restore(void);

struct oom_score {
  char text[16];
  long length; /* or -errno */
};

/* /proc/self/oom_score_adj. Any thread; does not block. */
struct oom_score oom_score_read(void);
/* Puts the score back if it has changed. Any thread; does not block. */
void oom_score_restore(const struct oom_score *before);

#endif
