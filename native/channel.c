#include "channel.h"
#include "events.h"
#include "watcher.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

struct channel {
  struct watch watch;     /* first, so that it is found by it */
  struct request request; /* to free it */
  struct environment *environment;
  double token;
  int fd;
  int owned;
  atomic_int armed; /* JavaScript waits for an event */
  uint32_t events;  /* what is ready; written by the watcher before it delivers */
  struct completion ready;
};

/* The watcher's thread only. */
static void channel_ready(struct watch *watch, uint32_t events) {
  struct channel *channel = (void *)watch;
  /* epoll reports a hang-up that nothing asked for; the channel reports it when it is armed. */
  if (!atomic_exchange(&channel->armed, 0))
    return;
  /* One-shot: no second event overwrites this one before JavaScript took it and armed anew. */
  channel->events = events;
  environment_deliver(channel->environment, &channel->ready);
}

static void write_ready(struct completion *completion, double *row, void *reader) {
  (void)reader;
  const struct channel *channel = OWNER(struct channel, ready, completion);
  row[ROW_TOKEN] = channel->token;
  row[READY_EVENTS] = channel->events;
}

/* channel_close ends a channel whose environment closed; this does not. */
static void discard_ready(struct completion *completion) {
  (void)completion;
}

static const struct completion_type ready_type = {
    .kind = COMPLETION_READY, .write = write_ready, .discard = discard_ready};

/* Runs when no event that was reported names the channel. The watcher's thread only. */
static void free_channel(struct request *request) {
  struct channel *channel = OWNER(struct channel, request, request);
  environment_release(channel->environment);
  free(channel);
}

struct channel *channel_open(struct environment *environment, int fd, int owned, double token,
                             int *error) {
  struct channel *channel = calloc(1, sizeof *channel);
  if (channel == NULL) {
    *error = ENOMEM;
    return NULL;
  }
  channel->watch.ready = channel_ready;
  channel->request.run = free_channel;
  channel->environment = environment;
  channel->token = token;
  channel->fd = fd;
  channel->owned = owned;
  channel->ready.type = &ready_type;
  environment_retain(environment);
  *error = watcher_start();
  /* Last: the watcher may use the channel before events_add_idle has returned. */
  if (*error == 0)
    *error = events_add_idle(fd, &channel->watch);
  if (*error == 0)
    return channel;
  environment_release(environment);
  free(channel);
  return NULL;
}

int channel_arm(struct channel *channel, uint32_t events) {
  atomic_store(&channel->armed, 1);
  return events_arm(channel->fd, events, &channel->watch);
}

void channel_close(struct channel *channel) {
  events_remove(channel->fd);
  environment_forget(channel->environment, &channel->ready);
  if (channel->owned)
    close(channel->fd);
  /* The watcher may hold an event for it at this moment: it is the one to free the memory. */
  watcher_request(&channel->request);
}
