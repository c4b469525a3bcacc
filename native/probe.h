/*
 * What this system allows, found out by trying, and the next best way where it does not. Each is
 * tried once; only what cannot change is remembered.
 *
 * The functions: any thread; none blocks, unless it says so.
 */
#ifndef FORKEXEC_PROBE_H
#define FORKEXEC_PROBE_H

#include <signal.h>
#include <sys/resource.h>

/* Whether clone3 can be had: a kernel before 5.7 lacks it, a container's filter may deny it. */
int launch_has_clone3(void);
/*
 * waitid(2) for one child: by its pidfd, if there is one and the kernel takes it, else by number,
 * which serves as well where no other code may reap that child. Blocks as the options say. Returns
 * 0 or -errno.
 */
long wait_for_child(int pid, int pidfd, siginfo_t *info, int options, struct rusage *usage);
/*
 * What the kernel still knows of a process that other code reaped (Linux 6.15 on): a code as in
 * siginfo, and a status. Returns whether it does.
 */
int recover_end(int pidfd, int *code, int *status);

/*
 * Whether a child of vfork has this process' memory and suspends its parent. Not on systems without
 * a vfork that may do more than execve, nor in QEMU's user mode and valgrind, which make it a fork.
 * Any thread, without what stdio_hold holds; blocks for the time of a vfork, once.
 */
int vfork_shares_memory(void);

/* Linux alone from here on. */

/*
 * Whether clone(2) may be asked for a pidfd, as vfork_shares_memory found out; a kernel before 5.2
 * then gives none all the same.
 */
int can_clone_pidfd(void);
/* A pidfd for a child that was born without one; -1 where the system has none; else -errno. */
int open_pidfd(long pid);
/* The inode of a pidfd where that says anything (Linux 6.9 on), else 0. */
double pidfd_inode(int pidfd);

#endif
