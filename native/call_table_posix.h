/* What the files have in common that hold the functions of calls_posix.h. */
#ifndef FORKEXEC_CALL_TABLE_POSIX_H
#define FORKEXEC_CALL_TABLE_POSIX_H

#include "calls_posix.h"

#include <errno.h>
#include <stdint.h>

/*
 * Each of these functions is the one it is named after; calls_posix.h says how they take their
 * arguments. They keep errno as it was, since a launch in place runs on a thread that has one.
 */
typedef long function(const long a[6]);

#define POINTER(i) ((void *)(uintptr_t)a[i])
#define INT(i) ((int)a[i])

#define DECLARE_POSIX_CALL(name) function call_##name;
POSIX_CALLS(DECLARE_POSIX_CALL)
#undef DECLARE_POSIX_CALL

static inline long result_of(long result) {
  return result == -1 ? -(long)errno : result;
}

#endif
