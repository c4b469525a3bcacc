/* Replacing this process' program, or leaving everything as it was. */
#ifndef FORKEXEC_EXEC_H
#define FORKEXEC_EXEC_H

#include "launch.h"

/*
 * Runs `program` on this process; returns only when it failed, with the step and errno.
 *
 * The program runs on a thread of its own that shares neither descriptors nor working directory,
 * root and umask with the rest: what it changes of them is gone with it when a step fails, and
 * becomes the process' when execve succeeds, which ends all other threads. Signal dispositions are
 * the process' and put back; of a program's other effects on the whole process (setsid, rlimits)
 * the caller takes care.
 *
 * Any thread, which is suspended meanwhile; to be called on the main thread, so that JavaScript
 * stands still.
 */
struct failure exec_in_place(const struct program *program);

#endif
