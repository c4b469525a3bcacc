/*
 * Failures and delays at will, in a build for tests: CFLAGS=-DFORKEXEC_FAILPOINTS. Another build
 * has nothing of it.
 */
#ifndef FORKEXEC_FAILPOINT_H
#define FORKEXEC_FAILPOINT_H

#ifdef FORKEXEC_FAILPOINTS

#include "protocol.h"

struct child_start;

/* Returns 0; or -errno where the call that follows is to fail. Any thread; sleeps where a delay was
   asked for. */
long failpoint(int point);
/* Has a step of the child fail. A launching thread. */
void failpoint_set_step(struct child_start *start);
/*
 * What is to fail next: `skip` is how many times the point is passed before, or the index of the
 * step. Without an errno there is only the delay. Returns how often the last one fired. Any thread.
 */
int failpoint_plan(int point, int error, int skip, int milliseconds);

#else
#define failpoint(point) 0L
#define failpoint_set_step(start) (void)0
#endif

#endif
