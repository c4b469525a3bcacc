#define _GNU_SOURCE /* Linux: waitid */
#include "flight.h"
#include "clock.h"
#include "fork_lock.h"
#include "help.h"
#include "probe.h"
#include "watcher.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>

/* Microseconds between looks; a launch takes less unless it is held up. */
#define LOOK_EVERY 50000.0
/* Milliseconds until a child is killed again: it may not have been born yet. */
#define KILL_EVERY 10

/* The lock guards all of it. */
static struct {
  pthread_mutex_t lock;
  struct flight *waiting; /* without a child */
  struct flight *begun;
  int watched;       /* the watcher looks at them, and will */
  double look_again; /* the next look at how long they take, CLOCK_MONOTONIC in microseconds */
} flights = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* The lock is held. */
static void link_locked(struct flight **list, struct flight *flight) {
  flight->previous = NULL;
  flight->next = *list;
  if (*list != NULL)
    (*list)->previous = flight;
  *list = flight;
}

/* The lock is held. */
static void unlink_locked(struct flight *flight) {
  if (flight->state == FLIGHT_OVER)
    return;
  if (flight->next != NULL)
    flight->next->previous = flight->previous;
  if (flight->previous != NULL)
    flight->previous->next = flight->next;
  else if (flights.begun == flight)
    flights.begun = flight->next;
  else
    flights.waiting = flight->next;
}

/*
 * Whether there is a child that its pid or pidfd means. The kernel writes the number of a pidfd
 * before the birth is certain: where that fails, as at a limit of a control group, another thread
 * may be given the number next, for the pidfd of its own child. The lock is held.
 */
static int is_born_locked(const struct flight *flight) {
  return flight->pid > 0 || (flight->pidfd >= 0 && flight->report->began);
}

/* Sends the child a signal, if there is one. It is not reaped. The lock is held. */
static void signal_locked(const struct flight *flight, int number) {
  if (is_born_locked(flight))
    help_signal(flight->pid, flight->pidfd, number);
}

/* Has the watcher look. The lock is held. */
static void watch_locked(void) {
  if (flights.watched)
    return;
  flights.watched = 1;
  flights.look_again = monotonic_microseconds() + LOOK_EVERY;
  watcher_wake();
}

void flight_begin(struct flight *flight) {
  flight->pidfd = -1;
  pthread_mutex_lock(&flights.lock);
  flight->state = FLIGHT_WAITS;
  link_locked(&flights.waiting, flight);
  pthread_mutex_unlock(&flights.lock);
}

void flight_end(struct flight *flight) {
  pthread_mutex_lock(&flights.lock);
  unlink_locked(flight);
  flight->state = FLIGHT_OVER;
  pthread_mutex_unlock(&flights.lock);
}

int flight_take_off(struct flight *flight, struct report *report) {
  pthread_mutex_lock(&flights.lock);
  int canceled = flight->canceled;
  unlink_locked(flight);
  flight->state = FLIGHT_OVER;
  if (canceled == 0) {
    link_locked(&flights.begun, flight);
    flight->state = FLIGHT_BEGUN;
    flight->report = report;
    flight->pid = 0;
    flight->pidfd = -1;
    flight->began = monotonic_microseconds();
    watch_locked();
  }
  pthread_mutex_unlock(&flights.lock);
  return canceled;
}

int flight_land(struct flight *flight) {
  pthread_mutex_lock(&flights.lock);
  unlink_locked(flight);
  flight->state = FLIGHT_OVER;
  int canceled = flight->canceled;
  pthread_mutex_unlock(&flights.lock);
  return canceled;
}

/* The lock is held. */
static struct flight *find_locked(struct flight *at, const void *environment, double token) {
  while (at != NULL && (at->environment != environment || at->token != token))
    at = at->next;
  return at;
}

struct flight *flight_cancel(const void *environment, double token, int error, int32_t *step) {
  pthread_mutex_lock(&flights.lock);
  struct flight *begun = find_locked(flights.begun, environment, token);
  struct flight *waiting = find_locked(flights.waiting, environment, token);
  struct flight *flight = begun != NULL ? begun : waiting;
  *step = flight == NULL ? START_LAUNCHED : START_CLONE;
  if (flight != NULL && flight->canceled == 0)
    flight->canceled = error;
  if (begun != NULL) {
    if (begun->report->began)
      *step = begun->report->at;
    signal_locked(begun, SIGKILL);
    flights.watched = 0;
    watch_locked();
  }
  if (waiting != NULL)
    return waiting;
  pthread_mutex_unlock(&flights.lock);
  return NULL;
}

void flight_unlock(void) {
  pthread_mutex_unlock(&flights.lock);
}

/*
 * A child that has stopped before its execve, by SIGSTOP or by another signal that its own program
 * has unblocked, would hold its launching thread until it is continued. It goes on, and is stopped
 * again once it runs its program. The lock is held.
 */
static void continue_locked(struct flight *flight) {
  siginfo_t info = {0};
  if (!is_born_locked(flight))
    return;
  if (wait_for_child(flight->pid, flight->pidfd, &info, WSTOPPED | WNOHANG | WNOWAIT, NULL) != 0 ||
      info.si_pid == 0 || info.si_code != CLD_STOPPED)
    return;
  flight->stopped_by = info.si_status;
  signal_locked(flight, SIGCONT);
}

int flights_look(void) {
  int again = -1, stuck = 0;
  pthread_mutex_lock(&flights.lock);
  if (flights.watched) {
    double now = monotonic_microseconds();
    int late = now >= flights.look_again;
    for (struct flight *at = flights.begun; at != NULL; at = at->next) {
      help_waiting(at->program, at->report, at->pid, at->pidfd);
      if (at->canceled != 0) {
        signal_locked(at, SIGKILL);
        again = KILL_EVERY;
      } else if (late && now - at->began >= LOOK_EVERY) {
        continue_locked(at);
      }
      stuck |= late && now - at->began >= LOOK_EVERY;
    }
    if (late)
      flights.look_again = now + LOOK_EVERY;
    if (late && flights.begun == NULL)
      flights.watched = 0;
    else if (again < 0)
      again = (int)((flights.look_again - now) / 1e3) + 1;
  }
  pthread_mutex_unlock(&flights.lock);
  if (stuck)
    fork_lock_pass_launches();
  return again;
}
