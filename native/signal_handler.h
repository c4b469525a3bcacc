/*
 * Where the one handler of this library (signal_entry.h) is installed, and what it took the place
 * of. `users` counts handler_add less handler_remove; `theirs` is the action that the runtime or
 * the program has set.
 *
 *   users  ignored here  the kernel's action   a signal                          ACTION_…
 *   0      no            theirs                does what that says               DEFAULT, IGNORED,
 *                                                                                OTHER_HANDLER
 *   0      yes           SIG_IGN               is discarded                      IGNORED_HERE
 *   0      yes           a runtime's handler,  runs that handler                 OTHER_HANDLER
 *                        since it has listeners
 *   1+     no            ours                  goes into the ring, then to the   OURS
 *                                              handler below if that listens
 *   1+     yes           ours                  goes into the ring                OURS_ABOVE_IGNORED
 *   1+     either        a handler put above   goes into the ring if that one    OTHER_HANDLER
 *                        ours                  calls ours
 *   0      either        the same, and it      goes to what was below ours       OTHER_HANDLER
 *                        still calls ours
 *
 * All functions: any thread but the watcher's; they take a lock for microseconds. Results are 0 or
 * a positive errno unless something else is said.
 */
#ifndef FORKEXEC_SIGNAL_HANDLER_H
#define FORKEXEC_SIGNAL_HANDLER_H

#include "protocol.h"

/* From this call on signals of this number go into the ring, which is open. */
int handler_add(int number);
/* Undoes one `handler_add`; the last puts back what was there before the first. A signal for which
   the kernel has chosen our handler already is sent again, to the action that is there then. */
int handler_remove(int number);
/* The runtime has changed the action for the sake of its own listeners: puts our handler on top
   again, with what replaced it below, and ignores again what it did, unless there are listeners.
   `kept`: the runtime leaves its handler where it is when the last listener goes, and takes it for
   granted when the first one comes; if it has a siginfo_t to give it calls ours. */
int handler_renew(int number, int listening, int kept);
/* Whether the handler that is below ours hears of signals, and whether it is put back in the end:
   `how` is one of BELOW_…. */
int handler_set_below(int number, int how);
/* Whether two signals have the same handler, apart from ours. */
int handler_is_shared(int number, int other);
/* ACTION_IGNORED, or with ACTION_DEFAULT the action that this put an end to; the handler of other
   code is left alone then. Of a signal that our handler takes it is what the signal goes back to.
 */
int handler_set_action(int number, int action);
/* ACTION_…, or -errno. */
int handler_get_action(int number);

#endif
