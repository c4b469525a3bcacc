/*
 * What the parts of the Node-API surface share. addon.c has the data of one JavaScript thread, the
 * bind_*.c files the functions that JavaScript calls. All of it runs on a JavaScript thread.
 */
#ifndef FORKEXEC_ADDON_H
#define FORKEXEC_ADDON_H

#ifndef NAPI_VERSION
#define NAPI_VERSION 8
#endif
#include <node_api.h>

#include "environment.h"
#include <stddef.h>
#include <stdint.h>

struct held_lock;

/* The data of one JavaScript thread. */
struct instance {
  struct environment *environment; /* NULL before `initialize` and once the thread is ending */
  napi_threadsafe_function wake;
  napi_ref callback; /* (rows: number) => void */
  napi_ref mailbox;  /* Float64Array that the rows are written to */
  struct held_lock *locks;
  uint64_t blocked; /* signals that this thread was made to block, whatever others do */
};

struct instance *instance_of(napi_env env);
/* The mailbox' memory and how many rows it holds; 0 before `initialize`. */
size_t mailbox_of(napi_env env, struct instance *instance, double **rows);

napi_value undefined(napi_env env);
napi_value number(napi_env env, double value);
/* Both return NULL with an exception pending. */
napi_value throw_range(napi_env env, const char *message);
napi_value throw_type(napi_env env, const char *message);

/* A completion's row, from the second number on; frees what has ended with it. */
void write_process_row(struct completion *completion, double *row);
/* Once JavaScript was told of it, or could not be: frees what has ended, and closes its pidfd only
   now, since the rows before it may have been about to use it. */
void finish_process_row(struct completion *completion, int told);
void write_channel_row(struct completion *completion, double *row);
void write_call_row(napi_env env, struct completion *completion, double *row);
void write_lock_row(struct completion *completion, double *row);
void write_signal_row(struct completion *completion, double *row);

/* Hands over the signals that wait, before their turn. */
void dispatch_signals(napi_env env);

/* Whether this thread holds the fork lock: a launch that it waited for would wait for ever. */
int holds_lock(const struct instance *instance);
/* Gives up what a thread that is ending holds or waits for. */
void release_locks(struct instance *instance);

napi_value launch(napi_env env, napi_callback_info info);
napi_value launch_sync(napi_env env, napi_callback_info info);
napi_value exec(napi_env env, napi_callback_info info);
napi_value open_stdio(napi_env env, napi_callback_info info);
napi_value has_clone3(napi_env env, napi_callback_info info);
napi_value signal_child(napi_env env, napi_callback_info info);
napi_value pin_child(napi_env env, napi_callback_info info);
napi_value unpin_child(napi_env env, napi_callback_info info);
napi_value exit_descriptor(napi_env env, napi_callback_info info);
napi_value signal_mask(napi_env env, napi_callback_info info);
napi_value copy_environment(napi_env env, napi_callback_info info);
napi_value open_channel(napi_env env, napi_callback_info info);
napi_value arm_channel(napi_env env, napi_callback_info info);
napi_value close_channel(napi_env env, napi_callback_info info);
napi_value raw_syscall(napi_env env, napi_callback_info info);
napi_value async_syscall(napi_env env, napi_callback_info info);
napi_value system_configuration(napi_env env, napi_callback_info info);
napi_value monotonic_time(napi_env env, napi_callback_info info);
napi_value set_identity(napi_env env, napi_callback_info info);
napi_value watch_signal(napi_env env, napi_callback_info info);
napi_value unwatch_signal(napi_env env, napi_callback_info info);
napi_value flush_signals(napi_env env, napi_callback_info info);
napi_value block_signals(napi_env env, napi_callback_info info);
napi_value renew_signal(napi_env env, napi_callback_info info);
napi_value set_below(napi_env env, napi_callback_info info);
napi_value shares_handler(napi_env env, napi_callback_info info);
napi_value signal_action_of(napi_env env, napi_callback_info info);
napi_value set_signal_action(napi_env env, napi_callback_info info);
napi_value acquire_lock(napi_env env, napi_callback_info info);
napi_value release_lock(napi_env env, napi_callback_info info);

#endif
