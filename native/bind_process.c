/* Launching processes, and replacing this one. */
#define _GNU_SOURCE /* Linux: strnlen */
#include "above_stdio.h"
#include "addon.h"
#include "exec.h"
#include "launchers.h"
#include "probe.h"
#include "process.h"
#include "signal_order.h"
#include "sigset.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __APPLE__
#include <crt_externs.h>
#define environ (*_NSGetEnviron())
#else
extern char **environ;
#endif

/* There is no memory for a process that would close them. */
static void close_fds(struct js_call *call) {
  const struct js_argument *fds = &call->arguments[3];
  for (size_t i = 0; i < fds->length; i++) {
    int fd = ((const int *)fds->data)[i];
    owned_remove(environment_owned(call->instance->environment), fd);
    close(fd);
  }
}

/*
 * From the arguments (program: Uint8Array, size, token, closeFds: Int32Array | undefined, watch: of
 * WATCH). NULL with an exception pending when they are wrong, and nothing is closed then; NULL
 * without one when there is no memory, and the descriptors are closed.
 */
static struct process *process_of(struct js_call *call) {
  const struct js_argument *a = call->arguments, *fds = &a[3];
  if (a[1].number > (double)a[0].length)
    return js_throw_range(call, "the program is shorter than its size"), NULL;
  size_t size = (size_t)a[1].number;
  struct process *process =
      process_create(call->instance->environment, size, (uint32_t)fds->length);
  if (process == NULL)
    return close_fds(call), NULL;
  if (size > 0)
    memcpy(process->bytes, a[0].data, size);
  const char *wrong = program_load(&process->program, process->bytes, size);
  if (wrong != NULL) {
    process_free(process);
    return js_throw_range(call, wrong), NULL;
  }
  if (fds->length > 0)
    memcpy(process->close_fds, fds->data, fds->length * sizeof(int));
  process->close_count = (uint32_t)fds->length;
  process->child.token = a[2].number;
  process->watched = a[4].integer;
  return process;
}

/* The process closes them from here on, and not this thread. */
static void take_fds(struct js_call *call, const struct process *process) {
  struct owned *owned = environment_owned(call->instance->environment);
  for (uint32_t i = 0; i < process->close_count; i++)
    owned_remove(owned, process->close_fds[i]);
}

/*
 * launch(program, size, token, closeFds, watch: number, traced: boolean, sync: boolean): number, 0
 * or the errno for which nothing was started. With WATCH_NONE nothing reaps the process, and
 * with WATCH_OWN reapChild does; the pidfd is then the caller's to close. `sync`: the caller will
 * wait with awaitLaunch; EDEADLK if this thread holds the fork lock or waits for it, since the
 * launch would wait for it forever.
 */
static double launch(struct js_call *call) {
  struct process *process = process_of(call);
  if (process == NULL)
    return ENOMEM; /* or an exception is pending */
  take_fds(call, process);
  if (call->arguments[6].flag && call->instance->locks > 0) {
    process_free(process);
    return EDEADLK;
  }
  return process_launch(process, call->arguments[5].flag);
}

/*
 * launchHere(program, size, token, closeFds, watch: number): number, as `launch` with `sync`, and
 * the row of COMPLETION_LAUNCHED is in the mailbox' first. -1 where the calling thread can't be the
 * one that launches; nothing was done then.
 */
static double launch_here(struct js_call *call) {
  double *row = NULL;
  if (addon_mailbox(call->env, call->instance, &row) == 0)
    return js_throw_range(call, "the mailbox has no room");
  struct process *process = process_of(call);
  if (process == NULL)
    return ENOMEM; /* or an exception is pending */
  int may = process_may_launch_here(process);
  if (may)
    take_fds(call, process);
  if (may && call->instance->locks == 0)
    return process_launch_here(process, row);
  if (!may)
    process->close_count = 0; /* they stay the caller's */
  process_free(process);
  return may ? EDEADLK : -1;
}

#define LONGEST_WAIT 1000 /* milliseconds, in which a Worker can't be terminated */

/*
 * awaitLaunch(token, milliseconds): boolean, whether the launch is over; then the row of
 * COMPLETION_LAUNCHED is in the mailbox' first, and is not reported again. Blocks for so long.
 */
static double await_launch(struct js_call *call) {
  double *row = NULL;
  const struct js_argument *a = call->arguments;
  if (addon_mailbox(call->env, call->instance, &row) == 0)
    return js_throw_range(call, "the mailbox has no room");
  int milliseconds = a[1].integer < LONGEST_WAIT ? a[1].integer : LONGEST_WAIT;
  return process_await(call->instance->environment, a[0].number, milliseconds, row);
}

/* cancelLaunch(token, errno): number, the step where the launch is, or one of START */
static double cancel_launch(struct js_call *call) {
  const struct js_argument *a = call->arguments;
  return process_cancel(call->instance->environment, a[0].number, a[1].integer);
}

/* limitLaunchers(most): void. How many threads may launch at once, instead of one a processor. */
static double limit_launchers(struct js_call *call) {
  if (call->arguments[0].integer < 1)
    return js_throw_range(call, "limitLaunchers: at least one");
  launchers_limit(call->arguments[0].integer);
  return 0;
}

/* hasClone3(): boolean */
static double has_clone3(struct js_call *call) {
  (void)call;
  return launch_has_clone3();
}

/* vforkSharesMemory(): boolean */
static double shares_memory(struct js_call *call) {
  (void)call;
  return vfork_shares_memory();
}

/* openStdio(): number, bit n for descriptor n of 0 to 2 */
static double open_stdio(struct js_call *call) {
  (void)call;
  return stdio_open();
}

/* signalMask(): bigint, the calling thread's, bit n-1 for signal n */
static double signal_mask(struct js_call *call) {
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, NULL, &mask);
  uint64_t own = ~order_blocked_here() | call->instance->blocked;
  napi_create_bigint_uint64(call->env, word_of_set(&mask) & own, &call->result);
  return 0;
}

/* Whether the name of a variable is one of `names`, each of which ends with a NUL. */
static int is_among(const char *entry, const char *names, size_t size) {
  size_t length = strcspn(entry, "=");
  for (size_t at = 0; at < size;) {
    size_t end = strnlen(names + at, size - at);
    if (end == length && memcmp(names + at, entry, length) == 0)
      return 1;
    at += end + 1;
  }
  return 0;
}

/*
 * copyEnvironment(buffer: Uint8Array, offset: number, result: Int32Array, without: Uint8Array):
 * boolean. Writes environ(7) as strings that each end with a NUL, but for the variables whose names
 * are in `without`, each with a NUL; result[0] is their size and result[1] how many they are. False
 * when there is not that much room. For the process' main thread: no libc defines
 * what another thread may do to the environment meanwhile, for this as for getenv(3).
 */
static double copy_environment(struct js_call *call) {
  const struct js_argument *a = call->arguments;
  int32_t *result = a[2].data, strings = 0;
  if (a[2].length < 2 || a[1].number > (double)a[0].length)
    return js_throw_range(call, "a buffer, an offset in it and two numbers are expected");
  char *buffer = a[0].data;
  size_t offset = (size_t)a[1].number, size = 0;
  for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
    if (is_among(*entry, a[3].data, a[3].length))
      continue;
    size_t length = strlen(*entry) + 1;
    if (offset + size + length <= a[0].length)
      memcpy(buffer + offset + size, *entry, length);
    size += length;
    strings++;
  }
  result[0] = (int32_t)size;
  result[1] = strings;
  return offset + size <= a[0].length;
}

/*
 * exec(program: Uint8Array, size: number): number[] of the step that failed and its errno; if none
 * does it never returns. The process' main thread.
 */
static double exec(struct js_call *call) {
  const struct js_argument *a = call->arguments;
  napi_value element;
  struct program program;
  if (a[1].number > (double)a[0].length)
    return js_throw_range(call, "the program is shorter than its size");
  size_t size = (size_t)a[1].number;
  unsigned char *bytes = malloc(program_allocation(size));
  if (bytes == NULL)
    return js_throw(call, "out of memory");
  if (size > 0)
    memcpy(bytes, a[0].data, size);
  const char *wrong = program_load(&program, bytes, size);
  struct failure failure = {0, 0};
  if (wrong == NULL)
    failure = exec_in_place(&program);
  free(bytes);
  if (wrong != NULL)
    return js_throw_range(call, wrong);
  napi_create_array_with_length(call->env, 2, &call->result);
  napi_create_int32(call->env, failure.step, &element);
  napi_set_element(call->env, call->result, 0, element);
  napi_create_int32(call->env, failure.error, &element);
  napi_set_element(call->env, call->result, 1, element);
  return 0;
}

const struct js_export bind_process_exports[] = {
    {"launch", "!unnoibb", 'n', launch},
    {"launchHere", "!unnoi", 'n', launch_here},
    {"awaitLaunch", "!ni", 'b', await_launch},
    {"cancelLaunch", "!ni", 'n', cancel_launch},
    {"limitLaunchers", "i", 'v', limit_launchers},
    {"exec", "un", 'x', exec},
    {"hasClone3", "", 'b', has_clone3},
    {"vforkSharesMemory", "", 'b', shares_memory},
    {"openStdio", "", 'n', open_stdio},
    {"signalMask", "", 'x', signal_mask},
    {"copyEnvironment", "unau", 'b', copy_environment},
    {NULL, NULL, 0, NULL},
};
