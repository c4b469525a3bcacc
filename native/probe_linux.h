/*
 * What this kernel and the filter in front of it allow, found out by trying, and the next best way
 * where they do not. Each is tried once; only what can't change is remembered.
 *
 * The functions: any thread; none blocks. Those that other systems have as well are in start.h.
 */
#ifndef FORKEXEC_PROBE_LINUX_H
#define FORKEXEC_PROBE_LINUX_H

/* Whether clone(2) may be asked for a pidfd; a kernel before 5.2 then gives none all the same. */
int can_clone_pidfd(void);
/* A pidfd for a child that was born without one; -1 where the system has none; else -errno. */
int open_pidfd(long pid);
/* The inode of a pidfd where that says anything (Linux 6.9 on), else 0. */
double pidfd_inode(int pidfd);

#endif
