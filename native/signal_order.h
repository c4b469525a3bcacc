/*
 * Real-time signals keep their order only if one thread takes them all: between the kernel's queue
 * and the first instruction of a handler any thread may overtake another. The kernel prefers the
 * process' first thread, and turns to another while the first is in a handler, unless that other
 * thread blocks the signal. So the other threads are made to block it.
 *
 * In the same way signals that the first thread blocks are kept for it: another thread, of which a
 * runtime has several, would take them.
 *
 * A thread's mask is its own affair, except for a handler that runs on it: what the handler adds to
 * the interrupted context is the mask from there on. So each thread is sent a SIGURG, whose default
 * is to be ignored, and which asks our handler to do this.
 */
#ifndef FORKEXEC_SIGNAL_ORDER_H
#define FORKEXEC_SIGNAL_ORDER_H

#include <signal.h>
#include <stdint.h>

/* What carries the request; our handler is installed for it during order_confine. */
#define ORDER_CARRIER SIGURG

/* Whether order_confine is of use for a signal. Any thread. */
int order_applies(int number);
/* Makes all threads that there are but the first block these signals, bit n-1 for signal n.
   A JavaScript thread; waits for them, 1 s at most: one may sleep so that no signal wakes it. */
void order_confine(uint64_t set);
/* Whether the first thread blocks a signal, so that other threads take it. Any thread; reads /proc.
 */
int order_first_blocks(int number);
/* To be called first by the handler. Returns whether the signal was only such a request. A thread
   that came later than order_confine blocks a real-time signal from its first one on. Signal
   context. */
int order_handle(int number, const siginfo_t *info, void *context);
/* Notes that the first thread blocks these from now on, or does not. Any thread. */
void order_first_changed(uint64_t set, int block);
/* The signals that this thread blocks because of order_confine alone. Its children do not inherit
   them, unless the first thread blocks them itself. Any thread. */
uint64_t order_blocked_here(void);
/* Sends a signal once more to this thread, with as much of what is known of it as the system lets
   a process send. Signal context. */
void order_send_again(int number, siginfo_t *info);

#endif
