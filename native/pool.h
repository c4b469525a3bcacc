/*
 * Threads for system calls that may block. Not the runtime's own pool: a read that waits
 * indefinitely must not keep the file system from being used.
 */
#ifndef FORKEXEC_POOL_H
#define FORKEXEC_POOL_H

#include "queue.h"

/*
 * Runs the request on a thread of the pool, which may block; a thread is started when none is idle,
 * up to POOL_MAX_THREADS, and ends after a tenth of a second without work. Any thread; does not
 * block. Returns 0, or a positive errno when not even one thread can be had.
 */
int pool_request(struct request *request);

#define POOL_MAX_THREADS 64

#endif
