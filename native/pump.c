#include "pump.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* It grows from the first to the second. Then the one who prints waits. */
#define LEAST_ROOM ((size_t)16 << 10)
#define MOST_ROOM ((size_t)256 << 10)

struct pump {
  pthread_mutex_t order; /* held while a read is under way: by the watcher, never by both */
  pthread_mutex_t lock;  /* guards the fields below; held for microseconds */
  int held;
  int error;         /* of the read that ended it */
  size_t start, end; /* `start` is moved by pump_take, all else by pump_fill */
  size_t room;
  uint8_t *bytes;
};

struct pump *pump_create(void) {
  struct pump *pump = calloc(1, sizeof *pump);
  if (pump == NULL)
    return NULL;
  pthread_mutex_init(&pump->order, NULL);
  pthread_mutex_init(&pump->lock, NULL);
  return pump;
}

void pump_free(struct pump *pump) {
  if (pump == NULL)
    return;
  pthread_mutex_destroy(&pump->order);
  pthread_mutex_destroy(&pump->lock);
  free(pump->bytes);
  free(pump);
}

/* The lock is held. */
static int wants(const struct pump *pump) {
  return !pump->held && pump->error == 0 && pump->end - pump->start < MOST_ROOM;
}

/* Makes room behind what is there. The lock is held. */
static void make_room(struct pump *pump) {
  size_t size = pump->end - pump->start;
  if (pump->start > 0 && (size == 0 || pump->end == pump->room)) {
    memmove(pump->bytes, pump->bytes + pump->start, size);
    pump->start = 0;
    pump->end = size;
  }
  if (pump->end < pump->room || pump->room == MOST_ROOM)
    return;
  size_t room = pump->room == 0 ? LEAST_ROOM : pump->room * 2;
  uint8_t *bytes = realloc(pump->bytes, room);
  if (bytes == NULL) {
    if (pump->room == 0)
      pump->error = ENOMEM;
    return;
  }
  pump->bytes = bytes;
  pump->room = room;
}

int pump_fill(struct pump *pump, int fd) {
  pthread_mutex_lock(&pump->order);
  pthread_mutex_lock(&pump->lock);
  int goes_on = wants(pump);
  if (goes_on) {
    make_room(pump);
    goes_on = pump->error == 0 && pump->end < pump->room;
  }
  uint8_t *to = pump->bytes + pump->end;
  size_t room = pump->room - pump->end;
  pthread_mutex_unlock(&pump->lock);
  if (goes_on) {
    /* Without the lock: pump_take is not to wait for the kernel, and does not touch what is free.
     */
    ssize_t count = read(fd, to, room);
    int error = count == 0 ? EIO : errno;
    pthread_mutex_lock(&pump->lock);
    if (count > 0)
      pump->end += (size_t)count;
    else if (error != EAGAIN && error != EINTR)
      pump->error = error;
    goes_on = count > 0 && wants(pump);
    pthread_mutex_unlock(&pump->lock);
  }
  pthread_mutex_unlock(&pump->order);
  return goes_on;
}

long pump_take(struct pump *pump, void *bytes, size_t room) {
  pthread_mutex_lock(&pump->lock);
  size_t size = pump->end - pump->start;
  long count = (long)(size < room ? size : room);
  if (count > 0)
    memcpy(bytes, pump->bytes + pump->start, (size_t)count);
  pump->start += (size_t)count;
  if (count == 0)
    count = -pump->error;
  pthread_mutex_unlock(&pump->lock);
  return count;
}

static void set_held(struct pump *pump, int held) {
  pthread_mutex_lock(&pump->lock);
  pump->held = held;
  pthread_mutex_unlock(&pump->lock);
}

void pump_hold(struct pump *pump) {
  set_held(pump, 1);
  pthread_mutex_lock(&pump->order);
  pthread_mutex_unlock(&pump->order);
}

void pump_continue(struct pump *pump) {
  set_held(pump, 0);
}

int pump_wants(struct pump *pump) {
  pthread_mutex_lock(&pump->lock);
  int result = wants(pump);
  pthread_mutex_unlock(&pump->lock);
  return result;
}

int pump_has(struct pump *pump) {
  pthread_mutex_lock(&pump->lock);
  int result = pump->end > pump->start || pump->error != 0;
  pthread_mutex_unlock(&pump->lock);
  return result;
}
