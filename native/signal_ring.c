#include "signal_ring.h"
#include "events.h"
#include "watcher.h"
#include "wakeup.h"

#include <stdatomic.h>
#include <stddef.h>

#define RING_SIZE 16384u /* a power of two */

/* A slot whose turn is the position belongs to the writer that takes it, one ahead of it to the
   reader. */
struct slot {
  atomic_uint turn;
  uint32_t dropped;
  struct signal_info info;
};

static struct {
  struct slot slots[RING_SIZE];
  atomic_uint head;
  unsigned tail;                        /* the reader's own */
  atomic_uint dropped[SIGNAL_LAST + 1]; /* since the last that got a slot */
  atomic_int woken;
  struct wakeup wakeup;
  void (*ready)(void);
} ring;

/* Takes a slot; NULL when the ring is full. Signal context; lock-free. */
static struct slot *take_slot(unsigned *position) {
  unsigned at = atomic_load(&ring.head);
  for (;;) {
    struct slot *slot = &ring.slots[at % RING_SIZE];
    int ahead = (int)(atomic_load(&slot->turn) - at);
    if (ahead < 0)
      return NULL;
    if (ahead == 0 && atomic_compare_exchange_weak(&ring.head, &at, at + 1)) {
      *position = at;
      return slot;
    }
    if (ahead > 0)
      at = atomic_load(&ring.head);
  }
}

void ring_put(const struct signal_info *info) {
  unsigned position = 0;
  struct slot *slot = take_slot(&position);
  if (slot == NULL) {
    atomic_fetch_add(&ring.dropped[info->number], 1);
  } else {
    slot->info = *info;
    slot->dropped = atomic_exchange(&ring.dropped[info->number], 0);
    atomic_store(&slot->turn, position + 1);
  }
  if (!atomic_exchange(&ring.woken, 1))
    wakeup_raise(&ring.wakeup);
}

int ring_is_empty(void) {
  return atomic_load(&ring.slots[ring.tail % RING_SIZE].turn) != ring.tail + 1;
}

int ring_take(struct signal_info *info, uint32_t *dropped) {
  struct slot *slot = &ring.slots[ring.tail % RING_SIZE];
  if (ring_is_empty())
    return 0;
  *info = slot->info;
  *dropped = slot->dropped;
  atomic_store(&slot->turn, ring.tail + RING_SIZE);
  ring.tail++;
  return 1;
}

/* The watcher's thread. */
static void wakeup_ready(struct watch *watch, uint32_t events) {
  (void)watch;
  (void)events;
  wakeup_clear(&ring.wakeup);
  /* Before looking: a handler that comes later wakes again. */
  atomic_store(&ring.woken, 0);
  ring.ready();
}

static struct watch wakeup_watch = {wakeup_ready};

int ring_open(void (*ready)(void)) {
  int error = watcher_start();
  if (error != 0)
    return error;
  for (unsigned i = 0; i < RING_SIZE; i++)
    atomic_store(&ring.slots[i].turn, i);
  ring.ready = ready;
  error = wakeup_open(&ring.wakeup);
  if (error != 0)
    return error;
  error = events_add(ring.wakeup.fd, &wakeup_watch);
  if (error != 0)
    wakeup_close(&ring.wakeup);
  return error;
}
