#define _GNU_SOURCE
#include "signal_entry.h"
#include "signal_order.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>

struct signal_entry signal_entries[SIGNAL_LAST + 1];

static atomic_int running; /* handlers at work at this moment */

#if defined(__linux__)
enum { MARKS = 8 };
#elif defined(__APPLE__)
enum { MARKS = 7 };
#else
enum { MARKS = 4 };
#endif

/* The end of siginfo_t, which the kernel has no use for and leaves zero. */
static char *end_of(siginfo_t *info) {
  return (char *)(info + 1) - MARKS * sizeof(uintptr_t);
}

/*
 * A handler that was put above ours calls ours, and ours calls that one once it is above again. So
 * each leaves a mark in siginfo_t, which is there for as long as the signal is handled. Several
 * copies of this library have one each. Returns whether ours was there already. Signal context.
 */
static int was_here(siginfo_t *info) {
  uintptr_t mark, own = (uintptr_t)&signal_entries;
  for (size_t i = 0; i < MARKS; i++) {
    char *at = end_of(info) + i * sizeof mark;
    memcpy(&mark, at, sizeof mark);
    if (mark == own)
      return 1;
    if (mark != 0)
      continue;
    memcpy(at, &own, sizeof own);
    return 0;
  }
  return 1;
}

/*
 * The kernel chose our handler just before it was taken away: the signal is sent again, to the
 * action that took its place, which gets it when this handler returns. Signal context.
 */
static void send_again(int number, const siginfo_t *info) {
  siginfo_t copy = *info;
  memset(end_of(&copy), 0, MARKS * sizeof(uintptr_t));
  order_send_again(number, &copy);
}

/* Signal context. */
static void call(_Atomic(any_handler) *at, int number, siginfo_t *info, void *context) {
  any_handler next = atomic_load(at);
  if (next != NULL)
    next(number, info, context);
}

void signal_enter(int number, siginfo_t *info, void *context) {
  struct signal_entry *entry = &signal_entries[number];
  if (was_here(info)) {
    call(&entry->bottom, number, info, context);
    return;
  }
  /* Before looking at `gone`: signals_settle is called after that is set. */
  atomic_fetch_add(&running, 1);
  int saved = errno;
  if (atomic_load(&entry->gone)) {
    /* To a handler that calls ours it would come again and again. */
    if (atomic_load(&entry->covered))
      call(&entry->bottom, number, info, context);
    else
      send_again(number, info);
  } else if (!order_handle(number, info, context)) {
    ring_put(&(struct signal_info){
        .number = number,
        .code = info->si_code,
        .pid = info->si_pid,
        .uid = info->si_uid,
        .status = info->si_status,
        .value = info->si_value.sival_int,
    });
    call(&entry->below, number, info, context);
  }
  errno = saved;
  atomic_fetch_sub(&running, 1);
}

void signals_settle(void) {
  /* After a while asleep: sched_yield never leaves the processor to a thread of lower priority. */
  const struct timespec moment = {.tv_nsec = 20000};
  for (int looks = 0; atomic_load(&running) > 0; looks++) {
    if (looks < 1000)
      sched_yield();
    else
      nanosleep(&moment, NULL);
  }
}
