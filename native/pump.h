/*
 * What the watcher has read of a descriptor for JavaScript: a terminal gives 4 KB at a time, and a
 * turn of the event loop for each would cost more than the reading.
 *
 * One thread fills it, the watcher; the JavaScript thread empties it.
 */
#ifndef FORKEXEC_PUMP_H
#define FORKEXEC_PUMP_H

#include <stddef.h>

struct pump;

/* Any thread; none blocks. NULL when there is no memory. */
struct pump *pump_create(void);
/* When neither thread uses it any more. */
void pump_free(struct pump *pump);

/*
 * Reads once what is there of `fd`, a descriptor that does not block. The watcher's thread; it
 * waits where the kernel does, for what is on its way between the two sides of a terminal. Returns
 * whether more may follow at once.
 */
int pump_fill(struct pump *pump, int fd);

/* The JavaScript thread: takes up to `room` bytes; 0 when there are none, -errno of the read that
   failed once all is taken, -EIO at the end. Does not block. */
long pump_take(struct pump *pump, void *bytes, size_t room);
/* The JavaScript thread: nothing is read from here on until pump_continue. Waits for a read that
   has begun. */
void pump_hold(struct pump *pump);
void pump_continue(struct pump *pump);

/* Any thread; none blocks. Whether it reads on: it is not held, not full and not at the end. */
int pump_wants(struct pump *pump);
/* Whether there is something to take, the end included. */
int pump_has(struct pump *pump);

#endif
