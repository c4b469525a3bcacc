/*
 * The descriptors that the watcher watches, in one set for the process: epoll(7) on Linux,
 * kqueue(2) on macOS and FreeBSD.
 *
 * Results are 0 or a positive errno. Any thread but where it says otherwise; nothing blocks but
 * events_wait.
 */
#ifndef FORKEXEC_EVENTS_H
#define FORKEXEC_EVENTS_H

#include "protocol.h"
#include <stdint.h>

/* A descriptor that the watcher watches. */
struct watch {
  void (*ready)(struct watch *, uint32_t events); /* on the watcher's thread */
};

struct event {
  struct watch *watch;
  uint32_t events;
};

/* To be called once, before the other functions. Leaves nothing open when it fails. */
int events_open(void);
/* Undoes events_open. */
void events_close(void);

/* Reports that `fd` can be read for as long as it can. */
int events_add(int fd, struct watch *watch);
/*
 * Takes `fd` into the set; what it reports is up to events_arm. An error or a hang-up may be
 * reported at once, on the watching thread, before this function has returned.
 */
int events_add_idle(int fd, struct watch *watch);
/* Reports one of `events`, an error or a hang-up, once. */
int events_arm(int fd, uint32_t events, struct watch *watch);
/*
 * To be called before `fd` is closed: on some systems an event may otherwise be reported on behalf
 * of a watch that is freed. One that was reported already is still in the caller's hand.
 */
void events_remove(int fd);

/*
 * Waits for events for so long, -1 for as long as it takes; returns how many there are.
 * EVENTS_AT_ONCE at the most, no two of them for one watch. One thread.
 */
int events_wait(struct event *events, int milliseconds);
#define EVENTS_AT_ONCE 64

#endif
