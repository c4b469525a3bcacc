/* How many processors this process may use: its affinity, and the limit of its control group. */
#ifndef FORKEXEC_PROCESSORS_H
#define FORKEXEC_PROCESSORS_H

/* At least 1. Any thread; reads files of /proc and of the control group. */
int processors_to_use(void);

#endif
