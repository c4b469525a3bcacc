/*
 * What the number of an instruction means, and what of a launch is more than a call: on Linux the
 * kernel's own numbers, elsewhere a table of functions of libc. FORKEXEC_POSIX makes it the second
 * on Linux too.
 */
#ifndef FORKEXEC_CALLS_H
#define FORKEXEC_CALLS_H

#if defined(__linux__) && !defined(FORKEXEC_POSIX)
#include "calls_linux.h"
#define CALL_NUMBER(name) ((uint32_t)SYS_##name)
#else
#include "calls_posix.h"
#define CALL_NUMBER(name) ((uint32_t)POSIX_CALL_##name)
#endif

#endif
