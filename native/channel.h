/* A descriptor that the spawner watches for JavaScript. */
#ifndef FORKEXEC_CHANNEL_H
#define FORKEXEC_CHANNEL_H

#include "environment.h"
#include "spawner.h"

#include <stdatomic.h>

struct channel {
  struct watch watch;
  struct request request; /* to free it */
  struct environment *environment;
  double token; /* what JavaScript knows it by */
  int fd;
  atomic_int armed; /* JavaScript waits for an event */
  int owned;        /* closing the channel, or the end of its environment, closes the descriptor */
  uint32_t events;  /* what is ready; written by the spawner before it delivers */
  struct completion ready;
  struct channel *previous, *next; /* of the same environment */
};

/* The JavaScript thread only; none blocks. Errors are positive errnos. */

/* NULL on failure, and then the descriptor is the caller's as before. */
struct channel *channel_open(struct environment *environment, int fd, int owned, double token,
                             int *error);
/* COMPLETION_READY follows once, when one of `events` (EVENT_READ, EVENT_WRITE) or a hang-up is
 * there. */
int channel_arm(struct channel *channel, uint32_t events);
/* Nothing follows any more. */
void channel_close(struct channel *channel);

#endif
