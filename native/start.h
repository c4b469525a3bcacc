/* The parent's side of a launch: clone, and everything that must be as before when it returns. */
#ifndef FORKEXEC_START_H
#define FORKEXEC_START_H

#include "flight.h"

/* How many of the units of ru_maxrss a KiB has: it counts bytes on macOS, KiB elsewhere. */
#ifdef __APPLE__
#define MAX_RSS_UNIT 1024
#else
#define MAX_RSS_UNIT 1
#endif

/*
 * Starts a process that runs `flight->program`, and returns when its execve succeeded or it failed;
 * after a failure the process is gone and reaped. Any thread, which is suspended meanwhile and
 * becomes the parent that PR_SET_PDEATHSIG and ptrace mean. Leaves the mask, the dispositions and
 * the dumpable flag of the caller as they were.
 */
void launch_start(struct flight *flight, struct launch_result *result);

#endif
