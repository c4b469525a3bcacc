/* The one signal handler of this library: what runs in signal context. */
#ifndef FORKEXEC_SIGNAL_ENTRY_H
#define FORKEXEC_SIGNAL_ENTRY_H

#include "signal_ring.h"

#include <signal.h>
#include <stdatomic.h>

typedef void (*any_handler)(int number, siginfo_t *info, void *context);

/* What the handler has to know of one signal; signal_handler.c writes it. */
struct signal_entry {
  _Atomic(any_handler) below;  /* called after ours, or NULL */
  atomic_int gone;             /* our handler was taken away */
  atomic_int covered;          /* a handler took its place that may call it, */
  _Atomic(any_handler) bottom; /* and expects it to call this */
};

extern struct signal_entry signal_entries[SIGNAL_LAST + 1];

/* Puts the signal into the ring, and calls the handler below. Any thread, at any point of its
   program: async-signal-safe, and leaves errno as it was. */
void signal_enter(int number, siginfo_t *info, void *context);
/* Waits until every handler that had begun has put its signal into the ring. Not in signal context;
   waits for microseconds, or until a thread that was interrupted runs again. */
void signals_settle(void);

#endif
