/* System calls: on the JavaScript thread, and on a thread of the pool. */
#include "addon.h"
#include "arguments.h"
#include "calls.h"
#include "pool.h"

#include <stdlib.h>
#include <unistd.h>

#define EXACT_INTEGERS 9007199254740992 /* 2^53 */

/*
 * rawSyscall(number, ...arguments): number | bigint. A failed call gives -errno, nothing is thrown
 * for it; a result that no double holds exactly is a bigint. Blocks as long as the call does.
 */
napi_value raw_syscall(napi_env env, napi_callback_info info) {
  size_t count = CALL_ARGUMENTS + 2; /* one more than there may be, to notice it */
  napi_value values[CALL_ARGUMENTS + 2], result = NULL;
  struct call_arguments arguments;
  napi_get_cb_info(env, info, &count, values, NULL, NULL);
  if (!arguments_read(env, values, count, 0, &arguments))
    return NULL;
  long returned = call_kernel(arguments.number, arguments.values);
  arguments_free(&arguments);
  if (returned >= -EXACT_INTEGERS && returned <= EXACT_INTEGERS)
    napi_create_double(env, (double)returned, &result);
  else
    napi_create_bigint_int64(env, returned, &result);
  return result;
}

/* A call on its way through the pool. */
struct call {
  struct request request; /* first to the pool, then to the spawner, which delivers */
  struct environment *environment;
  double token;
  struct call_arguments arguments;
  long result;
  struct completion called;
};

static void free_call(struct call *call) {
  arguments_free(&call->arguments);
  environment_release(call->environment);
  free(call);
}

/* Its JavaScript thread is gone, and the references with it. Any thread. */
static void discard_call(struct completion *completion) {
  free_call(completion->owner);
}

/* The spawner's thread. */
static void deliver_call(struct request *request) {
  struct call *call = (void *)((char *)request - offsetof(struct call, request));
  environment_deliver(call->environment, &call->called);
}

/* The thread that the call was meant for; blocks as long as the call does. */
static void run_call(struct request *request) {
  struct call *call = (void *)((char *)request - offsetof(struct call, request));
  call->result = call_kernel(call->arguments.number, call->arguments.values);
  request->run = deliver_call;
  spawner_request(request);
}

void write_call_row(napi_env env, struct completion *completion, double *row) {
  struct call *call = completion->owner;
  row[ROW_TOKEN] = call->token;
  row[CALLED_HIGH] = (double)(call->result >> 32);
  row[CALLED_LOW] = (double)(call->result & 0xffffffff);
  arguments_return(env, &call->arguments);
  free_call(call);
}

/*
 * asyncSyscall(token, onSpawner: boolean, number, ...arguments): number, 0 or the errno for which
 * it was not begun. On the spawner's thread, the parent and tracer of all children, only what does
 * not block; else on a thread of the pool.
 */
napi_value async_syscall(napi_env env, napi_callback_info info) {
  size_t count = CALL_ARGUMENTS + 4;
  napi_value values[CALL_ARGUMENTS + 4];
  struct instance *instance = instance_of(env);
  double token = 0;
  bool on_spawner = false;
  napi_get_cb_info(env, info, &count, values, NULL, NULL);
  if (instance->environment == NULL || count < 2 ||
      napi_get_value_double(env, values[0], &token) != napi_ok ||
      napi_get_value_bool(env, values[1], &on_spawner) != napi_ok)
    return throw_range(env, "a token and a boolean are expected");
  struct call *call = calloc(1, sizeof *call);
  if (call == NULL)
    return throw_range(env, "out of memory");
  if (!arguments_read(env, values + 2, count - 2, 1, &call->arguments)) {
    free(call);
    return NULL;
  }
  call->request.run = run_call;
  call->environment = instance->environment;
  call->token = token;
  call->called =
      (struct completion){.kind = COMPLETION_CALLED, .owner = call, .discard = discard_call};
  environment_retain(call->environment);
  int error = spawner_start();
  if (error == 0 && on_spawner)
    spawner_request(&call->request);
  else if (error == 0)
    error = pool_request(&call->request);
  if (error != 0) {
    arguments_return(env, &call->arguments);
    free_call(call);
  }
  return number(env, error);
}

/* sysconf(name: number): number, -1 where there is no limit or no such name */
napi_value system_configuration(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value value;
  int32_t name = -1;
  napi_get_cb_info(env, info, &count, &value, NULL, NULL);
  napi_get_value_int32(env, value, &name);
  return number(env, (double)sysconf(name));
}
