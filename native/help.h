/* What other threads do for the child of a launch, or to it. */
#ifndef FORKEXEC_HELP_H
#define FORKEXEC_HELP_H

#include "launch.h"

/* Both: any thread; neither blocks. The child is not reaped; `pidfd` may be -1, or else `pid` 0. */

void help_signal(int pid, int pidfd, int number);
/* Does for the child what it waits for its parent to do, if it does. */
void help_waiting(const struct program *program, struct report *report, int pid, int pidfd);

#endif
