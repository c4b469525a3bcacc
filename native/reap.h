/*
 * The end of the children that JavaScript awaits, and signals for them by number.
 *
 * They are reaped here and nowhere else, under a lock. A number means a child until it is reaped: a
 * signal that is sent to a number under the same lock reaches that child or no process. Where there
 * are pidfds they serve instead; a container's filter or an older kernel may have none.
 */
#ifndef FORKEXEC_REAP_H
#define FORKEXEC_REAP_H

#include "environment.h"
#include "events.h"
#include "start.h"
#include "waiter.h"

#include <signal.h>
#include <sys/resource.h>

/* A child; part of the launch that it came from, which fills in the first four members. */
struct child {
  struct environment *environment;
  double token; /* what JavaScript knows it by */
  struct launch_result launch;
  void (*free)(struct child *); /* any thread; closes the pidfd */

  /* From here on only reap.c writes. */
  struct watch watch;     /* of the pidfd */
  struct child_wait wait; /* without one */
  struct request end;     /* to the watcher: it has ended */
  struct child *previous, *next;
  int listed, pins, pinned_unreaped, ended, reaped;
  int polled;      /* it is looked at now and then, since nothing tells of its end */
  int own;         /* the JavaScript thread waits for it, and has its pidfd */
  int told;        /* reap_told will follow */
  int is_reported; /* the environment has its end, or is gone */
  int code;        /* CLD_EXITED, CLD_KILLED, CLD_DUMPED; 0: other code reaped it, status unknown */
  int status;      /* exit code or signal */
  double wall_time; /* microseconds */
  struct rusage usage;
  int usage_is_known;
  struct completion exited;
};

/*
 * The functions: any thread; they hold the lock for microseconds. A child is known by its
 * environment and token. Those with a result return 0 or a positive errno, ESRCH once it was
 * reaped.
 */

/* From here on the child is known by its environment and token. With `held` it is pinned unreaped
   from the start: reap_pin may come too late for a short one. */
void reap_list(struct child *child, int held);
/* Reaps a child that is listed once it has ended, and then delivers COMPLETION_EXITED; frees it
   after that. */
void reap_watch(struct child *child);
/*
 * Lists a child that its JavaScript thread reaps with reap_own, and whose pidfd that thread owns.
 * The JavaScript thread.
 */
void reap_list_own(struct child *child);
/*
 * waitid(2) for such a child; may block. It is freed unless the options or EINTR leave it as it is.
 * Returns 0 or -errno. The JavaScript thread.
 */
long reap_own(struct environment *environment, double token, siginfo_t *info, int options,
              struct rusage *usage);
/*
 * Looks at children that no event reports: where neither epoll nor a thread is to be had, and while
 * a tracer keeps the status of one that has ended. The watcher's thread; returns in how many
 * milliseconds it is to be called again, -1 for no such time.
 */
int reap_look(void);
/*
 * A thread of the waiter waits for such a child, for the JavaScript thread, and calls reap_told.
 * The waiter takes a number once.
 */
void reap_tells(struct environment *environment, double token);
void reap_told(struct environment *environment, double token);
/* Frees the pinned children of an environment that closes, which no code is left to unpin, and
   reaps its own ones once they have ended. */
void reap_forget(struct environment *environment);

/* kill(2), to the child or to the group that it leads. */
int reap_signal(struct environment *environment, double token, int number, int to_group);
/*
 * While a child is pinned its end is reported all the same, and its pidfd stays open. With
 * `unreaped` it is not reaped either: the number of its group stays.
 */
int reap_pin(struct environment *environment, double token, int unreaped);
void reap_unpin(struct environment *environment, double token);

#endif
