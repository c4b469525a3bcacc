/* Signals of this process for JavaScript. */
#include "addon.h"
#include "signal_handler.h"
#include "signal_order.h"
#include "signals.h"
#include "sigset.h"
#include "thread.h"

#include <signal.h>
#include <stdlib.h>

/* The signal's number in argument `index`; 0 with an exception pending. */
static int number_of(napi_env env, napi_value value) {
  int32_t number = 0;
  if (napi_get_value_int32(env, value, &number) != napi_ok || number < 1 || number > SIGNAL_LAST) {
    throw_range(env, "the number of a signal is expected");
    return 0;
  }
  return number;
}

void write_signal_row(struct completion *completion, double *row) {
  struct signal_delivery *delivery = completion->owner;
  const struct signal_info *info = &delivery->info;
  row[ROW_TOKEN] = delivery->token;
  row[SIGNAL_NUMBER] = info->number;
  row[SIGNAL_CODE] = info->code;
  row[SIGNAL_PID] = info->pid;
  row[SIGNAL_UID] = info->uid;
  row[SIGNAL_STATUS] = info->status;
  row[SIGNAL_VALUE] = (double)info->value;
  row[SIGNAL_DROPPED] = delivery->dropped;
  signals_taken(delivery);
  free(delivery);
}

/* watchSignal(number, token): number, 0 or an errno */
napi_value watch_signal(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  double token = 0;
  struct instance *instance = instance_of(env);
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  int signal = number_of(env, arguments[0]);
  if (signal == 0 || instance->environment == NULL)
    return NULL;
  napi_get_value_double(env, arguments[1], &token);
  return number(env, signals_watch(instance->environment, token, signal));
}

/*
 * unwatchSignal(number, token): number, 0 or an errno. Signals that were taken until then are
 * dispatched before it returns.
 */
napi_value unwatch_signal(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  double token = 0;
  struct instance *instance = instance_of(env);
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  int signal = number_of(env, arguments[0]);
  if (signal == 0 || instance->environment == NULL)
    return NULL;
  napi_get_value_double(env, arguments[1], &token);
  int error = signals_unwatch(instance->environment, token, signal);
  dispatch_signals(env);
  return number(env, error);
}

/* flushSignals(): void. Signals that were taken until now are dispatched before it returns. */
napi_value flush_signals(napi_env env, napi_callback_info info) {
  (void)info;
  if (instance_of(env)->environment == NULL)
    return NULL;
  signals_flush();
  dispatch_signals(env);
  return undefined(env);
}

/* renewSignal(number, listening: boolean, kept: boolean): number, 0 or an errno */
napi_value renew_signal(napi_env env, napi_callback_info info) {
  size_t count = 3;
  napi_value arguments[3];
  bool listening = false, kept = false;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  int signal = number_of(env, arguments[0]);
  napi_get_value_bool(env, arguments[1], &listening);
  napi_get_value_bool(env, arguments[2], &kept);
  return signal == 0 ? NULL : number(env, handler_renew(signal, listening, kept));
}

/* sharesHandler(number, other): boolean */
napi_value shares_handler(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2], result;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  int one = number_of(env, arguments[0]), other = one == 0 ? 0 : number_of(env, arguments[1]);
  if (other == 0)
    return NULL;
  napi_get_boolean(env, handler_is_shared(one, other), &result);
  return result;
}

/* setBelow(number, how: BELOW_…): number, 0 or an errno */
napi_value set_below(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  int32_t how = BELOW_HEARS;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  int signal = number_of(env, arguments[0]);
  napi_get_value_int32(env, arguments[1], &how);
  return signal == 0 ? NULL : number(env, handler_set_below(signal, how));
}

/*
 * blockSignals(set: bigint, block: boolean): number, 0 or an errno. Blocks them on this thread, or
 * unblocks them. The process' first thread has all others block them too, and keeps them.
 */
napi_value block_signals(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  uint64_t set = 0;
  bool lossless, block = false;
  struct instance *instance = instance_of(env);
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  napi_get_value_bigint_uint64(env, arguments[0], &set, &lossless);
  napi_get_value_bool(env, arguments[1], &block);
  int is_first = thread_is_first();
  int error = block && is_first ? signals_confine(set) : 0;
  if (error != 0)
    return number(env, error);
  if (is_first)
    order_first_changed(set, block);
  instance->blocked = block ? instance->blocked | set : instance->blocked & ~set;
  sigset_t signals;
  set_of_word(set, &signals);
  return number(env, pthread_sigmask(block ? SIG_BLOCK : SIG_UNBLOCK, &signals, NULL));
}

/* signalAction(number): number, ACTION_… or -errno */
napi_value signal_action_of(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  int signal = number_of(env, argument);
  return signal == 0 ? NULL : number(env, handler_get_action(signal));
}

/* setSignalAction(number, ignored: boolean): number, 0 or an errno */
napi_value set_signal_action(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  bool ignored = false;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  int signal = number_of(env, arguments[0]);
  napi_get_value_bool(env, arguments[1], &ignored);
  if (signal == 0)
    return NULL;
  return number(env, handler_set_action(signal, ignored ? ACTION_IGNORED : ACTION_DEFAULT));
}
