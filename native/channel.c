#include "channel.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

/* The spawner's thread only. */
static void channel_ready(struct watch *watch, uint32_t events) {
  struct channel *channel = (void *)((char *)watch - offsetof(struct channel, watch));
  /* epoll reports a hang-up that nobody asked for; the channel reports it when it is armed. */
  if (!atomic_exchange(&channel->armed, 0))
    return;
  /* One-shot: no second event overwrites this one before JavaScript took it and armed anew. */
  channel->events = events;
  environment_deliver(channel->environment, &channel->ready);
}

/* The end of a channel whose environment closed is channel_close, not this. */
static void discard_ready(struct completion *completion) {
  (void)completion;
}

/* Once no event in hand can name it any more. The spawner's thread only. */
static void free_channel(struct request *request) {
  struct channel *channel = (void *)((char *)request - offsetof(struct channel, request));
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
  channel->ready =
      (struct completion){.kind = COMPLETION_READY, .owner = channel, .discard = discard_ready};
  *error = spawner_start();
  /* Last: the spawner may use the channel before events_add_idle has returned. */
  if (*error == 0)
    *error = events_add_idle(fd, &channel->watch);
  if (*error != 0) {
    free(channel);
    return NULL;
  }
  environment_retain(environment);
  struct channel **channels = environment_channels(environment);
  channel->next = *channels;
  if (channel->next != NULL)
    channel->next->previous = channel;
  *channels = channel;
  return channel;
}

int channel_arm(struct channel *channel, uint32_t events) {
  atomic_store(&channel->armed, 1);
  return events_arm(channel->fd, events, &channel->watch);
}

void channel_close(struct channel *channel) {
  events_remove(channel->fd);
  environment_forget(channel->environment, &channel->ready);
  if (channel->previous == NULL)
    *environment_channels(channel->environment) = channel->next;
  else
    channel->previous->next = channel->next;
  if (channel->next != NULL)
    channel->next->previous = channel->previous;
  if (channel->owned)
    close(channel->fd);
  /* The spawner may hold an event for it at this moment: it is the one to free the memory. */
  spawner_request(&channel->request);
}
