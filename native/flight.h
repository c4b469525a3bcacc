/*
 * Launches that are under way, as other threads see them.
 *
 * vfork suspends the thread that launches until the child's execve. What the launch needs of its
 * parent meanwhile, the watcher does: it writes the id maps that the child waits for, continues a
 * child that was stopped before its execve (which would hold the thread for as long), and kills the
 * child of a launch that was given up. The kernel writes the child's number and pidfd where they
 * can be read before the child runs; a pidfd alone is trusted once the child has begun.
 */
#ifndef FORKEXEC_FLIGHT_H
#define FORKEXEC_FLIGHT_H

#include "launch.h"

/* One launch, from the request until there is a program or none. Only flight.c writes it, but for
   the first members. */
struct flight {
  const void *environment; /* by these two it is known */
  double token;
  const struct program *program;

  struct flight *previous, *next;
  enum { FLIGHT_WAITS, FLIGHT_BEGUN, FLIGHT_OVER } state;
  struct report *report; /* while there is a child, or is to be one */
  _Atomic int32_t pid;   /* the kernel's to write; 0 until then, and where only a pidfd is known */
  _Atomic int32_t pidfd; /* the same; -1 */
  double began;          /* CLOCK_MONOTONIC in microseconds */
  int canceled;          /* the errno that it is to fail with, or 0 */
  int stopped_by;        /* the signal that stopped the child, which it gets again after execve */
};

/* Any thread; none blocks; they hold a lock for microseconds. */

/* The launch was asked for. */
void flight_begin(struct flight *flight);
/* There is to be no child. Nothing refers to the flight from here on. */
void flight_end(struct flight *flight);
/*
 * The launching thread is about to make a child that reports in `report`. Returns 0; or the errno
 * for which there is to be none.
 */
int flight_take_off(struct flight *flight, struct report *report);
/*
 * The child runs its program, or failed, and is not reaped: no other thread signals it from here
 * on, and nothing refers to the flight. Returns the errno with which it was given up, or 0.
 */
int flight_land(struct flight *flight);
/*
 * Gives up the launch with this errno: a child is killed. Returns the flight if no child was begun,
 * with the lock held until flight_unlock, so that the caller can take it out of its queue; else
 * NULL. `step` is then where the child is, or START_CLONE; START_LAUNCHED if no launch of that name
 * is under way.
 */
struct flight *flight_cancel(const void *environment, double token, int error, int32_t *step);
void flight_unlock(void);

/* What the watcher does for launches that are under way. The watcher's thread; returns in how many
   milliseconds it is to be called again, -1 for no such time. */
int flights_look(void);

#endif
