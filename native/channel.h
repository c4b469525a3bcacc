/* A descriptor that the watcher watches for JavaScript. */
#ifndef FORKEXEC_CHANNEL_H
#define FORKEXEC_CHANNEL_H

#include "environment.h"

#include <stddef.h>
#include <stdint.h>

struct channel;

/* The JavaScript thread only; none blocks. Errors are positive errnos. */

/* `owned`: channel_close closes the descriptor. `token` is what JavaScript knows the channel by.
   NULL on failure, and then the descriptor is the caller's as before. */
struct channel *channel_open(struct environment *environment, int fd, int owned, double token,
                             int *error);
/* COMPLETION_READY follows once, when one of `events` (EVENT_READ, EVENT_WRITE) or a hang-up is
   there. With EVENT_QUIET, not for a hang-up alone: it is reported when the channel is armed again
   without. */
int channel_arm(struct channel *channel, uint32_t events);
/*
 * Takes what the watcher has read of the descriptor, which does not block, and has it read on: a
 * channel that something is taken of is read by the watcher alone. Returns how many bytes there
 * were; 0 for none, and then COMPLETION_READY with EVENT_READ follows once there are some; or
 * -errno once all is taken: -EIO at the end.
 *
 * `last`: the watcher reads no more until something is taken without it. Waits for a read that it
 * has begun.
 */
long channel_take(struct channel *channel, void *bytes, size_t room, int last);
/* Nothing follows any more; the channel is freed. `other`, unless it is -1, is closed first: the
   watcher does not wake for what that does to the channel's descriptor. */
void channel_close(struct channel *channel, int other);

#endif
