/*
 * The addon: the data of one JavaScript thread, and completions as rows of numbers. src/native.ts
 * declares what is exported here.
 *
 * Everything in this file runs on a JavaScript thread, except where it says otherwise.
 */
#include "addon.h"
#include "reap.h"
#include "signals.h"

#include <stdlib.h>

napi_value undefined(napi_env env) {
  napi_value value;
  napi_get_undefined(env, &value);
  return value;
}

napi_value throw_range(napi_env env, const char *message) {
  napi_throw_range_error(env, "ERR_INVALID_ARG_VALUE", message);
  return NULL;
}

napi_value throw_type(napi_env env, const char *message) {
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", message);
  return NULL;
}

napi_value number(napi_env env, double value) {
  napi_value result;
  napi_create_double(env, value, &result);
  return result;
}

struct instance *instance_of(napi_env env) {
  void *data = NULL;
  napi_get_instance_data(env, &data);
  return data;
}

/* The mailbox' memory and how many rows it holds; 0 before `initialize`. */
size_t mailbox_of(napi_env env, struct instance *instance, double **rows) {
  napi_value array;
  size_t length = 0;
  void *data = NULL;
  if (instance->mailbox == NULL ||
      napi_get_reference_value(env, instance->mailbox, &array) != napi_ok ||
      napi_get_typedarray_info(env, array, NULL, &length, &data, NULL, NULL) != napi_ok)
    return 0;
  *rows = data;
  return length / ROW_SIZE;
}

/* ---- completions ---- */

static void write_row(napi_env env, struct completion *completion, double *row) {
  row[ROW_KIND] = completion->kind;
  switch (completion->kind) {
  case COMPLETION_LAUNCHED:
  case COMPLETION_EXITED:
    write_process_row(completion, row);
    break;
  case COMPLETION_READY:
    write_channel_row(completion, row);
    break;
  case COMPLETION_CALLED:
    write_call_row(env, completion, row);
    break;
  case COMPLETION_LOCKED:
    write_lock_row(completion, row);
    break;
  case COMPLETION_SIGNAL:
    write_signal_row(completion, row);
    break;
  }
}

#define BATCH 64 /* rows at a time */

typedef struct completion *(*take_function)(struct environment *environment);

/* Hands over what `take` gives until it gives nothing, as many at a time as the mailbox holds. */
static void dispatch(napi_env env, take_function take) {
  struct instance *instance = instance_of(env);
  double *rows = NULL;
  size_t capacity = mailbox_of(env, instance, &rows);
  napi_value callback, receiver = undefined(env);
  if (capacity == 0 || napi_get_reference_value(env, instance->callback, &callback) != napi_ok)
    return;
  for (;;) {
    struct completion *processes[BATCH];
    size_t count = 0, process_count = 0;
    struct completion *completion = NULL;
    while (count < capacity && count < BATCH &&
           (completion = take(instance->environment)) != NULL) {
      if (completion->kind == COMPLETION_LAUNCHED || completion->kind == COMPLETION_EXITED)
        processes[process_count++] = completion;
      write_row(env, completion, rows + count++ * ROW_SIZE);
    }
    if (count > 0) {
      napi_value argument = number(env, (double)count);
      int told = napi_call_function(env, receiver, callback, 1, &argument, NULL) == napi_ok;
      for (size_t i = 0; i < process_count; i++)
        finish_process_row(processes[i], told);
    }
    if (completion == NULL)
      return;
  }
}

static struct completion *take_signal(struct environment *environment) {
  return environment_take_kind(environment, COMPLETION_SIGNAL);
}

void dispatch_signals(napi_env env) {
  dispatch(env, take_signal);
}

/* The thread-safe function's call on the JavaScript thread. */
static void drain(napi_env env, napi_value unused, void *context, void *data) {
  (void)unused;
  (void)data;
  const struct instance *instance = context;
  if (env != NULL && instance->environment != NULL) /* else the thread is ending */
    dispatch(env, environment_take);
}

/* environment.h's `wake`: the spawner's thread. */
static void wake(void *data) {
  struct instance *instance = data;
  napi_call_threadsafe_function(instance->wake, NULL, napi_tsfn_nonblocking);
}

/* Runs before the thread-safe function is torn down, since it was registered after it. */
static void close_instance(void *data) {
  struct instance *instance = data;
  signals_forget(instance->environment);
  reap_forget(instance->environment);
  release_locks(instance);
  environment_close(instance->environment);
  instance->environment = NULL;
  /* Nobody calls it any more. Deno keeps the event loop of an ended Worker until it is released. */
  napi_release_threadsafe_function(instance->wake, napi_tsfn_abort);
}

static void free_instance(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  free(data);
}

/* initialize(callback: (rows: number) => void, mailbox: Float64Array): void */
static napi_value initialize(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2], name;
  struct instance *instance = instance_of(env);
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (instance->callback != NULL)
    return throw_range(env, "initialize was called before");
  instance->environment = environment_create(wake, instance);
  if (instance->environment == NULL)
    return throw_range(env, "out of memory");
  napi_create_reference(env, arguments[0], 1, &instance->callback);
  napi_create_reference(env, arguments[1], 1, &instance->mailbox);
  napi_create_string_utf8(env, "forkexec", NAPI_AUTO_LENGTH, &name);
  napi_create_threadsafe_function(env, NULL, NULL, name, 0, 1, NULL, NULL, instance, drain,
                                  &instance->wake);
  napi_unref_threadsafe_function(env, instance->wake);
  napi_add_env_cleanup_hook(env, close_instance, instance);
  return undefined(env);
}

/* ref(): void and unref(): void, whether completions to come keep the event loop alive */
static napi_value ref(napi_env env, napi_callback_info info) {
  (void)info;
  napi_ref_threadsafe_function(env, instance_of(env)->wake);
  return undefined(env);
}

static napi_value unref(napi_env env, napi_callback_info info) {
  (void)info;
  napi_unref_threadsafe_function(env, instance_of(env)->wake);
  return undefined(env);
}

NAPI_MODULE_INIT() {
  static const struct {
    const char *name;
    napi_callback function;
  } functions[] = {
      {"initialize", initialize},
      {"ref", ref},
      {"unref", unref},
      {"launch", launch},
      {"launchSync", launch_sync},
      {"exec", exec},
      {"hasClone3", has_clone3},
      {"signalChild", signal_child},
      {"pinChild", pin_child},
      {"unpinChild", unpin_child},
      {"exitDescriptor", exit_descriptor},
      {"openStdio", open_stdio},
      {"signalMask", signal_mask},
      {"copyEnvironment", copy_environment},
      {"openChannel", open_channel},
      {"armChannel", arm_channel},
      {"closeChannel", close_channel},
      {"rawSyscall", raw_syscall},
      {"asyncSyscall", async_syscall},
      {"sysconf", system_configuration},
      {"monotonicTime", monotonic_time},
      {"setIdentity", set_identity},
      {"acquireLock", acquire_lock},
      {"watchSignal", watch_signal},
      {"unwatchSignal", unwatch_signal},
      {"flushSignals", flush_signals},
      {"renewSignal", renew_signal},
      {"setBelow", set_below},
      {"sharesHandler", shares_handler},
      {"blockSignals", block_signals},
      {"signalAction", signal_action_of},
      {"setSignalAction", set_signal_action},
      {"releaseLock", release_lock},
  };
  struct instance *instance = calloc(1, sizeof *instance);
  if (instance == NULL)
    return NULL;
  napi_set_instance_data(env, instance, free_instance, NULL);
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    napi_value function;
    napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].function, NULL,
                         &function);
    napi_set_named_property(env, exports, functions[i].name, function);
  }
  return exports;
}
