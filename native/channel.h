/* A descriptor that the watcher watches for JavaScript. */
#ifndef FORKEXEC_CHANNEL_H
#define FORKEXEC_CHANNEL_H

#include "environment.h"

#include <stdint.h>

struct channel;

/* The JavaScript thread only; none blocks. Errors are positive errnos. */

/* `owned`: channel_close closes the descriptor. `token` is what JavaScript knows the channel by.
   NULL on failure, and then the descriptor is the caller's as before. */
struct channel *channel_open(struct environment *environment, int fd, int owned, double token,
                             int *error);
/* COMPLETION_READY follows once, when one of `events` (EVENT_READ, EVENT_WRITE) or a hang-up is
   there. */
int channel_arm(struct channel *channel, uint32_t events);
/* Nothing follows any more; the channel is freed. */
void channel_close(struct channel *channel);

#endif
