/*
 * The one handler of this library, and what it took the place of.
 *
 * All functions: any thread but the spawner's; they take a lock for microseconds. Results are 0 or
 * a positive errno unless something else is said.
 */
#ifndef FORKEXEC_SIGNAL_HANDLER_H
#define FORKEXEC_SIGNAL_HANDLER_H

#include "protocol.h"

/* From here on signals of this number go into the ring, which is open. */
int handler_add(int number);
/* Undoes one `handler_add`; the last puts back what was there before the first. A signal for which
   the kernel has chosen our handler already is sent again, to what is there then. */
int handler_remove(int number);
/* The runtime has changed the action for the sake of its own listeners: puts our handler on top
   again, with what replaced it below, and ignores again what it did, unless somebody listens.
   `kept`: the runtime leaves its handler where it is when the last listener goes, and takes it for
   granted when the first one comes; if it has a siginfo_t to give it calls ours. */
int handler_renew(int number, int listening, int kept);
/* Whether the handler that is below ours hears of signals, and whether it is put back in the end:
   the runtime knows whether anybody listens there. One of them is for the last user of ours. */
int handler_set_below(int number, int how);
/* Whether two signals have the same handler, apart from ours. */
int handler_is_shared(int number, int other);
/* Waits until every handler that had begun has put its signal into the ring. */
void handler_settle(void);
/* ACTION_IGNORED, or with ACTION_DEFAULT the action that this put an end to; somebody's handler is
   left alone then. Of a signal that our handler takes it is what the signal goes back to. */
int handler_set_action(int number, int action);
/* ACTION_…, or -errno. */
int handler_get_action(int number);

#endif
