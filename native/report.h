/*
 * How a parent learns what became of a launch without vfork(2): the child has memory of its own,
 * and the parent goes on meanwhile.
 *
 * Any thread. Nothing blocks but report_await.
 */
#ifndef FORKEXEC_REPORT_H
#define FORKEXEC_REPORT_H

#include "launch.h"

/* A report in memory that a child shares even if it has a copy of all else; NULL without memory. */
struct report *report_share(void);
void report_free(struct report *report);
/* Copies what the child reported. */
void report_take(const struct report *report, struct launch_result *result);

/*
 * A pipe whose writing end the child keeps until its execve, at numbers that mean nothing to the
 * program. Returns 0 or a positive errno.
 */
int report_open_pipe(int fds[2], const struct program *program);
/*
 * In the parent, whose own copy of the writing end is closed: waits for the child's execve or
 * failure, and closes the reading end.
 */
void report_await(int fd, int born);

#endif
