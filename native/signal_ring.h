/*
 * From signal handlers to the watcher's thread: a bounded queue of many writers and one reader.
 */
#ifndef FORKEXEC_SIGNAL_RING_H
#define FORKEXEC_SIGNAL_RING_H

#include <stdint.h>

#define SIGNAL_LAST 64

/* What a handler is given: sigaction(2). */
struct signal_info {
  int32_t number, code, pid, status;
  uint32_t uid;
  int64_t value;
};

/* Opens the ring: `ready` is called on the watcher's thread when there may be something in it.
   Returns 0 or an errno. Once; a lock of the caller's guards it. */
int ring_open(void (*ready)(void));
/* Puts a signal in, or counts it as dropped. Signal context: lock-free, and the only system call
   is a write that wakes the reader. */
void ring_put(const struct signal_info *info);
/* Takes the oldest, and how many of its number were dropped before it; 0 when there is none. One
   reader at a time: a lock of the caller's guards it. */
int ring_take(struct signal_info *info, uint32_t *dropped);
/* Whether ring_take would take none. As ring_take. */
int ring_is_empty(void);

#endif
