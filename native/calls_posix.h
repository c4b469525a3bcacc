/*
 * What an instruction's number means where there is no stable system-call interface, on macOS and
 * FreeBSD: an index into a table of libc's functions.
 *
 * They have the names and take the arguments of Linux' system calls, so a program is
 * written in the same way for both: sets of signals are 64 bits, and struct
 * sigaction, siginfo, rusage, rlimit and timespec lie as they do there. Numbers of signals, errors,
 * flags and requests are the system's own. What a system lacks says ENOSYS.
 */
#ifndef FORKEXEC_CALLS_POSIX_H
#define FORKEXEC_CALLS_POSIX_H

#include "protocol.h"

/*
 * Calls the function of that number. Returns -errno on failure. Any thread; blocks as long as the
 * function does; async-signal-safe as far as that is, which a test looks after.
 */
long call_kernel(long number, const long arguments[6]);

#endif
