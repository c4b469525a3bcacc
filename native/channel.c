#include "channel.h"
#include "failpoint.h"
#include "events.h"
#include "pump.h"
#include "watcher.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

struct channel {
  struct watch watch;     /* first, so that it is found by it */
  struct request request; /* to free it */
  struct environment *environment;
  double token;
  int owned;
  pthread_mutex_t lock; /* guards the fields down to `told`; held for microseconds */
  int fd;               /* -1 once it is closed */
  int armed;            /* JavaScript waits for `asked` or a hang-up */
  uint32_t asked;
  int awaits; /* the watcher waits for something to read into `pump` */
  int fills;  /* the watcher reads into `pump`, and will see itself what is to be waited for */
  int told;   /* JavaScript knows that there is something in `pump` */
  struct pump *pump;  /* NULL unless the watcher reads */
  atomic_uint events; /* what is ready */
  struct completion ready;
};

/* Then other descriptors have their turn. */
#define FILLS_A_TURN 8

/* The lock is held. Returns 0 or a positive errno. */
static int arm(struct channel *channel) {
  if (channel->fd < 0 || (!channel->armed && !channel->awaits))
    return 0;
  uint32_t events = (channel->armed ? channel->asked & ~(uint32_t)EVENT_QUIET : 0) |
                    (channel->awaits ? EVENT_READ : 0);
  return events_arm(channel->fd, events, &channel->watch);
}

/* Reads into the pump as long as there is something. The watcher's thread only. */
static void fill(struct channel *channel) {
  for (int left = FILLS_A_TURN; left > 0; left--) {
    pthread_mutex_lock(&channel->lock);
    int fd = channel->fd;
    pthread_mutex_unlock(&channel->lock);
    /* channel_close holds the pump before it closes the descriptor. */
    if (fd < 0 || !pump_fill(channel->pump, fd))
      return;
  }
}

/* The watcher's thread only. */
static void channel_ready(struct watch *watch, uint32_t events) {
  struct channel *channel = (void *)watch;
  int failed = (events & (EVENT_ERROR | EVENT_HANG_UP)) != 0;
  uint32_t report = 0;
  pthread_mutex_lock(&channel->lock);
  /* epoll reports a hang-up that nothing asked for; the channel reports it when it is armed. */
  int wanted = (events & channel->asked) != 0;
  int quiet = (channel->asked & EVENT_QUIET) != 0 && (events & EVENT_ERROR) == 0;
  if (channel->armed && (wanted || (failed && !quiet))) {
    channel->armed = 0;
    report = events;
  }
  channel->fills = channel->awaits && (failed || (events & EVENT_READ) != 0);
  int fills = channel->fills;
  if (fills)
    channel->awaits = 0;
  pthread_mutex_unlock(&channel->lock);
  if (fills)
    fill(channel);
  pthread_mutex_lock(&channel->lock);
  if (fills) {
    channel->fills = 0;
    channel->awaits = pump_wants(channel->pump);
    if (!channel->told && pump_has(channel->pump)) {
      channel->told = 1;
      report |= EVENT_READ;
    }
  }
  /* One-shot: whatever was reported, nothing else is from here on. A hang-up that is to be kept
     quiet would be reported again at once. */
  if (report != 0 || fills || !failed)
    arm(channel);
  pthread_mutex_unlock(&channel->lock);
  if (report == 0)
    return;
  atomic_fetch_or(&channel->events, report);
  environment_deliver(channel->environment, &channel->ready);
}

static void write_ready(struct completion *completion, double *row, void *reader) {
  (void)reader;
  struct channel *channel = OWNER(struct channel, ready, completion);
  row[ROW_TOKEN] = channel->token;
  row[READY_EVENTS] = atomic_exchange(&channel->events, 0);
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
  pump_free(channel->pump);
  pthread_mutex_destroy(&channel->lock);
  free(channel);
}

struct channel *channel_open(struct environment *environment, int fd, int owned, double token,
                             int *error) {
  struct channel *channel = failpoint(FAILPOINT_MEMORY) == 0 ? calloc(1, sizeof *channel) : NULL;
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
  pthread_mutex_init(&channel->lock, NULL);
  environment_retain(environment);
  *error = watcher_start();
  /* Last: the watcher may use the channel before events_add_idle has returned. */
  if (*error == 0)
    *error = events_add_idle(fd, &channel->watch);
  if (*error == 0)
    return channel;
  environment_release(environment);
  pthread_mutex_destroy(&channel->lock);
  free(channel);
  return NULL;
}

int channel_arm(struct channel *channel, uint32_t events) {
  pthread_mutex_lock(&channel->lock);
  channel->armed = 1;
  channel->asked = events;
  int error = arm(channel);
  pthread_mutex_unlock(&channel->lock);
  return error;
}

/* The JavaScript thread. */
static long start_pump(struct channel *channel) {
  struct pump *pump = pump_create();
  if (pump == NULL)
    return -ENOMEM;
  pthread_mutex_lock(&channel->lock);
  channel->pump = pump;
  pthread_mutex_unlock(&channel->lock);
  return 0;
}

long channel_take(struct channel *channel, void *bytes, size_t room, int last) {
  if (channel->pump == NULL) {
    long error = last ? 0 : start_pump(channel);
    if (error != 0 || last)
      return error;
  }
  if (last)
    pump_hold(channel->pump);
  else
    pump_continue(channel->pump);
  pthread_mutex_lock(&channel->lock);
  /* Under the lock: what is read after it is found empty is told. */
  long count = pump_take(channel->pump, bytes, room);
  if (count == 0)
    channel->told = 0;
  if (!channel->fills && !channel->awaits && pump_wants(channel->pump)) {
    channel->awaits = 1;
    arm(channel);
  }
  pthread_mutex_unlock(&channel->lock);
  return count;
}

void channel_close(struct channel *channel, int other) {
  events_remove(channel->fd);
  environment_forget(channel->environment, &channel->ready);
  if (channel->pump != NULL)
    pump_hold(channel->pump);
  pthread_mutex_lock(&channel->lock);
  int fd = channel->fd;
  channel->fd = -1;
  pthread_mutex_unlock(&channel->lock);
  if (other >= 0)
    close(other);
  if (channel->owned)
    close(fd);
  /* The watcher may hold an event for it at this moment: it is the one to free the memory. */
  watcher_request_later(&channel->request);
}
