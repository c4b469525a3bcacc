/* System calls on the JavaScript thread and on a thread of the pool, and calls of the C library. */
#define _GNU_SOURCE
#include "addon.h"
#include "arguments.h"
#include "calls.h"
#include "failpoint.h"
#include "launchers.h"
#include "pool.h"
#include "watcher.h"
#include "clock.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef __linux__
#define GROUP_COUNT size_t /* of setgroups(2) */
#else
#define GROUP_COUNT int
#endif

_Static_assert(sizeof(uid_t) == 4 && sizeof(gid_t) == 4, "an id is an element of the array");

#define EXACT_INTEGERS 9007199254740992 /* 2^53 */

/*
 * rawSyscall(number, ...arguments): number | bigint. A failed call gives -errno, nothing is thrown
 * for it; a result that no double holds exactly is a bigint. Blocks as long as the call does.
 */
static double raw_syscall(struct js_call *call) {
  struct call_arguments arguments;
  if (!arguments_read(call, 0, 0, &arguments))
    return 0;
  long returned = failpoint(FAILPOINT_CALL);
  if (returned == 0)
    returned = call_kernel(arguments.number, arguments.values);
  arguments_free(&arguments);
  if (returned >= -EXACT_INTEGERS && returned <= EXACT_INTEGERS)
    napi_create_double(call->env, (double)returned, &call->result);
  else
    napi_create_bigint_int64(call->env, returned, &call->result);
  return 0;
}

/* What has come of a call that makes a descriptor, which is the thread's from here on; or -ENOMEM.
 */
static long own(struct instance *instance, long returned, const int *pair) {
  struct owned *owned = environment_owned(instance->environment);
  if (returned < 0)
    return returned;
  if (pair == NULL)
    return owned_add(owned, (int)returned) == 0 ? returned : -ENOMEM;
  int error = owned_add(owned, pair[0]);
  if (owned_add(owned, pair[1]) == 0 && error == 0)
    return returned;
  for (int i = 0; i < 2; i++) {
    if (owned_remove(owned, pair[i]))
      close(pair[i]);
  }
  return -ENOMEM;
}

/*
 * openOwned(pair: number, number, ...arguments): number, as rawSyscall, for a call that makes a
 * descriptor, or a pair of them in the argument `pair`; -1: none. They belong to this thread, which
 * closes them when it ends, until closeOwned, disown, a launch or a channel takes them.
 */
static double open_owned(struct js_call *call) {
  struct call_arguments arguments;
  int pair = call->arguments[0].integer;
  if (pair >= CALL_ARGUMENTS)
    return js_throw_range(call, "openOwned: there is no such argument");
  if (!arguments_read(call, 1, 0, &arguments))
    return 0;
  long returned = failpoint(FAILPOINT_CALL);
  if (returned == 0)
    returned = call_kernel(arguments.number, arguments.values);
  returned = own(call->instance, returned, pair < 0 ? NULL : (const int *)arguments.values[pair]);
  arguments_free(&arguments);
  return (double)returned;
}

/* closeOwned(fd): void. After the thread's end began they are closed already. */
static double close_owned(struct js_call *call) {
  int fd = call->arguments[0].integer;
  if (call->instance->environment == NULL)
    return 0;
  owned_remove(environment_owned(call->instance->environment), fd);
  close(fd);
  return 0;
}

/* disown(fd): void. It is other code's to close. */
static double disown(struct js_call *call) {
  owned_remove(environment_owned(call->instance->environment), call->arguments[0].integer);
  return 0;
}

/* A call on its way through the pool. */
struct pool_call {
  struct request
      request; /* to the thread that makes the call, then to the watcher, which delivers */
  struct environment *environment;
  double token;
  int owns; /* the result is a descriptor of the JavaScript thread */
  struct call_arguments arguments;
  long result;
  struct completion called;
};

static void free_call(struct pool_call *call) {
  arguments_free(&call->arguments);
  environment_release(call->environment);
  free(call);
}

static void write_call(struct completion *completion, double *row, void *reader) {
  struct pool_call *call = OWNER(struct pool_call, called, completion);
  row[ROW_TOKEN] = call->token;
  if (call->owns)
    call->result = own(instance_of(reader), call->result, NULL);
  row[CALLED_HIGH] = (double)(call->result >> 32);
  row[CALLED_LOW] = (double)(call->result & 0xffffffff);
  arguments_return(reader, &call->arguments);
  free_call(call);
}

/* Its JavaScript thread is gone, and the references with it. Any thread. */
static void discard_call(struct completion *completion) {
  struct pool_call *call = OWNER(struct pool_call, called, completion);
  if (call->owns && call->result >= 0)
    close((int)call->result);
  free_call(call);
}

static const struct completion_type called_type = {
    .kind = COMPLETION_CALLED, .write = write_call, .discard = discard_call};

/* The watcher's thread. */
static void deliver_call(struct request *request) {
  struct pool_call *call = OWNER(struct pool_call, request, request);
  environment_deliver(call->environment, &call->called);
}

/* The thread that the call was meant for; blocks as long as the call does. */
static void run_call(struct request *request) {
  struct pool_call *call = OWNER(struct pool_call, request, request);
  call->result = failpoint(FAILPOINT_POOL_CALL);
  if (call->result == 0)
    call->result = call_kernel(call->arguments.number, call->arguments.values);
  request->run = deliver_call;
  watcher_request(request);
}

/* There can be no tracer. The watcher's thread. */
static void refuse_call(struct request *request, int error) {
  struct pool_call *call = OWNER(struct pool_call, request, request);
  call->result = -error;
  environment_deliver(call->environment, &call->called);
}

/*
 * asyncSyscall(token, how: number of CALL, number, ...arguments): number, 0 or the errno for which
 * it was not begun. On the thread that launched all tracees, only calls that do not block; else on
 * a thread of the pool.
 */
static double async_syscall(struct js_call *js) {
  struct pool_call *call = failpoint(FAILPOINT_MEMORY) == 0 ? calloc(1, sizeof *call) : NULL;
  if (call == NULL)
    return ENOMEM;
  if (!arguments_read(js, 2, 1, &call->arguments)) {
    free(call);
    return 0;
  }
  call->request.run = run_call;
  call->request.refuse = refuse_call;
  call->environment = js->instance->environment;
  call->token = js->arguments[0].number;
  call->owns = js->arguments[1].integer == CALL_OWNED;
  call->called.type = &called_type;
  environment_retain(call->environment);
  int error = watcher_start();
  if (error == 0 && js->arguments[1].integer == CALL_TRACER)
    launchers_request(LAUNCHERS_TRACER, &call->request);
  else if (error == 0)
    error = pool_request(&call->request);
  if (error != 0) {
    arguments_return(js->env, &call->arguments);
    free_call(call);
  }
  return error;
}

/* sysconf(name: number): number, -1 where there is no limit or no such name */
static double system_configuration(struct js_call *call) {
  return (double)sysconf(call->arguments[0].integer);
}

/* monotonicTime(): number, CLOCK_MONOTONIC in microseconds: only Node's hrtime is the same clock */
static double monotonic_time(struct js_call *call) {
  (void)call;
  return monotonic_microseconds();
}

/*
 * setIdentity(what: number of SETTER, ids: Uint32Array): number, 0 or the errno. The kernel has
 * users and groups by thread; the C library sets them for all threads, with a signal that each has
 * to answer. Waits for them.
 */
static double set_identity(struct js_call *call) {
  const uint32_t *ids = call->arguments[1].data;
  size_t count = call->arguments[1].length;
  int what = call->arguments[0].integer, result = -1;
  errno = EINVAL;
  if (what == SETTER_SETGROUPS)
    result = setgroups((GROUP_COUNT)count, ids);
  else if (count != 1)
    return EINVAL;
  else if (what == SETTER_SETUID)
    result = setuid(ids[0]);
  else if (what == SETTER_SETEUID)
    result = seteuid(ids[0]);
  else if (what == SETTER_SETGID)
    result = setgid(ids[0]);
  else if (what == SETTER_SETEGID)
    result = setegid(ids[0]);
  return result == 0 ? 0 : errno;
}

const struct js_export bind_call_exports[] = {
    {"rawSyscall", "*", 'x', raw_syscall},
    {"asyncSyscall", "!ni*", 'n', async_syscall},
    {"sysconf", "i", 'n', system_configuration},
    {"monotonicTime", "", 'n', monotonic_time},
    {"openOwned", "!i*", 'n', open_owned},
    {"closeOwned", "i", 'v', close_owned},
    {"disown", "!i", 'v', disown},
    {"setIdentity", "iw", 'n', set_identity},
    {NULL, NULL, 0, NULL},
};
