/*
 * The addon: the data of one JavaScript thread, and completions as rows of numbers. src/native.ts
 * declares what is exported.
 *
 * Everything in this file runs on a JavaScript thread, except where it says otherwise.
 */
#include "addon.h"
#include "flight.h"
#include "launchers.h"
#include "reap.h"
#include "signals.h"
#include "watcher.h"

#include <stdlib.h>

#define BATCH 64 /* rows at a time */

size_t addon_mailbox(napi_env env, struct instance *instance, double **rows) {
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

/* Hands over the completions of a kind, as many at a time as the mailbox holds. */
static void dispatch(napi_env env, int kind) {
  struct instance *instance = instance_of(env);
  double *rows = NULL;
  size_t capacity = addon_mailbox(env, instance, &rows);
  napi_value callback, receiver, argument;
  napi_get_undefined(env, &receiver);
  if (capacity == 0 || napi_get_reference_value(env, instance->callback, &callback) != napi_ok)
    return;
  for (;;) {
    struct completion *unfinished[BATCH];
    size_t count = 0, unfinished_count = 0;
    struct completion *completion = NULL;
    while (count < capacity && count < BATCH &&
           (completion = environment_take(instance->environment, kind)) != NULL) {
      double *row = rows + count++ * ROW_SIZE;
      row[ROW_KIND] = completion->type->kind;
      if (completion->type->finish != NULL)
        unfinished[unfinished_count++] = completion;
      completion->type->write(completion, row, env);
    }
    if (count > 0) {
      napi_create_double(env, (double)count, &argument);
      int told = napi_call_function(env, receiver, callback, 1, &argument, NULL) == napi_ok;
      for (size_t i = 0; i < unfinished_count; i++)
        unfinished[i]->type->finish(unfinished[i], told);
    }
    if (completion == NULL)
      return;
  }
}

void addon_dispatch_signals(napi_env env) {
  dispatch(env, COMPLETION_SIGNAL);
}

/* The thread-safe function's call on the JavaScript thread. */
static void drain(napi_env env, napi_value unused, void *context, void *data) {
  (void)unused;
  (void)data;
  const struct instance *instance = context;
  if (env != NULL && instance->environment != NULL) /* else the thread is ending */
    dispatch(env, ANY_KIND);
}

/* environment.h's `wake`: any thread. */
static void wake(void *data) {
  struct instance *instance = data;
  napi_call_threadsafe_function(instance->wake, NULL, napi_tsfn_nonblocking);
}

/* The earlier of two times in milliseconds, of which -1 is never. */
static int earlier(int one, int other) {
  return one < 0 || (other >= 0 && other < one) ? other : one;
}

/* The watcher's thread, after each turn. */
static int each_turn(void) {
  int next = earlier(earlier(flights_look(), launchers_look()), reap_look());
  environments_wake(); /* also for what the looks delivered */
  return next;
}

/* Runs before the thread-safe function is torn down, since it was registered after it. */
static void close_instance(void *data) {
  struct instance *instance = data;
  signals_forget(instance->environment);
  reap_forget(instance->environment);
  handles_end(instance);
  environment_close(instance->environment);
  instance->environment = NULL;
  /* Nothing calls it any more. Deno keeps the event loop of an ended Worker until it is released.
   */
  napi_release_threadsafe_function(instance->wake, napi_tsfn_abort);
}

static void free_instance(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  free(data);
}

/* initialize(callback: (rows: number) => void, mailbox: Float64Array): void */
static double initialize(struct js_call *call) {
  napi_env env = call->env;
  napi_value name;
  struct instance *instance = call->instance;
  if (instance->callback != NULL || call->arguments[1].length < ROW_SIZE)
    return js_throw_range(call, "initialize: once, with room for a row");
  napi_create_string_utf8(env, "forkexec", NAPI_AUTO_LENGTH, &name);
  if (napi_create_threadsafe_function(env, NULL, NULL, name, 0, 1, NULL, NULL, instance, drain,
                                      &instance->wake) != napi_ok ||
      napi_unref_threadsafe_function(env, instance->wake) != napi_ok ||
      (instance->environment = environment_create(wake, instance)) == NULL)
    return js_throw(call, "initialize: out of memory");
  napi_create_reference(env, call->arguments[0].value, 1, &instance->callback);
  napi_create_reference(env, call->arguments[1].value, 1, &instance->mailbox);
  watcher_each_turn(each_turn);
  napi_add_env_cleanup_hook(env, close_instance, instance);
  return 0;
}

/* ref(): void, and unref(): void: whether completions to come keep the event loop alive. */
static double ref(struct js_call *call) {
  napi_ref_threadsafe_function(call->env, call->instance->wake);
  return 0;
}

static double unref(struct js_call *call) {
  napi_unref_threadsafe_function(call->env, call->instance->wake);
  return 0;
}

static const struct js_export own_exports[] = {
    {"initialize", "Ff", 'v', initialize},
    {"ref", "!", 'v', ref},
    {"unref", "!", 'v', unref},
    {NULL, NULL, 0, NULL},
};

NAPI_MODULE_INIT() {
  const struct js_export *lists[] = {
      own_exports,
      bind_call_exports,
      bind_channel_exports,
      bind_child_exports,
      bind_lock_exports,
      bind_process_exports,
      bind_signal_exports,
      bind_socket_exports,
#ifdef FORKEXEC_FAILPOINTS
      bind_failpoint_exports,
#endif
  };
  struct instance *instance = calloc(1, sizeof *instance);
  if (instance == NULL)
    return NULL;
  napi_set_instance_data(env, instance, free_instance, NULL);
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
    js_define(env, exports, lists[i]);
  return exports;
}
