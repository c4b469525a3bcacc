/* Signals of this process for JavaScript. */
#include "addon.h"
#include "idle_handler.h"
#include "signal_handler.h"
#include "signal_order.h"
#include "signals.h"
#include "sigset.h"
#include "thread.h"

#include <signal.h>

/* watchSignal(number, token): number, 0 or an errno */
static double watch_signal(struct js_call *call) {
  const struct js_argument *a = call->arguments;
  return signals_watch(call->instance->environment, a[1].number, a[0].integer);
}

/*
 * unwatchSignal(number, token): number, 0 or an errno. Signals that were taken until then are
 * dispatched before it returns.
 */
static double unwatch_signal(struct js_call *call) {
  const struct js_argument *a = call->arguments;
  struct environment *environment = call->instance->environment;
  if (environment == NULL)
    return 0; /* forgotten when it closed */
  int error = signals_unwatch(environment, a[1].number, a[0].integer);
  addon_dispatch_signals(call->env);
  return error;
}

/* flushSignals(): void. Signals that were taken until now are dispatched before it returns. */
static double flush_signals(struct js_call *call) {
  if (call->instance->environment == NULL)
    return 0;
  signals_flush();
  addon_dispatch_signals(call->env);
  return 0;
}

/* renewSignal(number, listening: boolean, kept: boolean): number, 0 or an errno */
static double renew_signal(struct js_call *call) {
  const struct js_argument *a = call->arguments;
  return handler_renew(a[0].integer, a[1].flag, a[2].flag);
}

/* sharesHandler(number, other): boolean */
static double shares_handler(struct js_call *call) {
  return handler_is_shared(call->arguments[0].integer, call->arguments[1].integer);
}

/* setBelow(number, how: number of BELOW): number, 0 or an errno */
static double set_below(struct js_call *call) {
  return handler_set_below(call->arguments[0].integer, call->arguments[1].integer);
}

/*
 * blockSignals(set: bigint, block: boolean): number, 0 or an errno. Blocks them on this thread, or
 * unblocks them. The process' first thread has all others block them too, and keeps them.
 */
static double block_signals(struct js_call *call) {
  uint64_t set = call->arguments[0].bits;
  int block = call->arguments[1].flag, is_first = thread_is_first();
  int error = block && is_first ? signals_confine(set) : 0;
  if (error != 0)
    return error;
  if (is_first)
    order_first_changed(set, block);
  uint64_t *blocked = &call->instance->blocked;
  *blocked = block ? *blocked | set : *blocked & ~set;
  sigset_t signals;
  set_of_word(set, &signals);
  return pthread_sigmask(block ? SIG_BLOCK : SIG_UNBLOCK, &signals, NULL);
}

/* signalAction(number): number of ACTION, or -errno */
static double signal_action(struct js_call *call) {
  return handler_get_action(call->arguments[0].integer);
}

/* setSignalAction(number, ignored: boolean): number, 0 or an errno */
static double set_signal_action(struct js_call *call) {
  const struct js_argument *a = call->arguments;
  return handler_set_action(a[0].integer, a[1].flag ? ACTION_IGNORED : ACTION_DEFAULT);
}

/* idleHandler(): number, the address */
static double get_idle_handler(struct js_call *call) {
  (void)call;
  return idle_handler();
}

/* idleRestorer(): number, the address or 0 */
static double get_idle_restorer(struct js_call *call) {
  (void)call;
  return idle_restorer();
}

const struct js_export bind_signal_exports[] = {
    {"watchSignal", "!sn", 'n', watch_signal},
    {"unwatchSignal", "sn", 'n', unwatch_signal},
    {"flushSignals", "", 'v', flush_signals},
    {"renewSignal", "sbb", 'n', renew_signal},
    {"setBelow", "si", 'n', set_below},
    {"sharesHandler", "ss", 'b', shares_handler},
    {"blockSignals", "mb", 'n', block_signals},
    {"signalAction", "s", 'n', signal_action},
    {"setSignalAction", "sb", 'n', set_signal_action},
    {"idleHandler", "", 'n', get_idle_handler},
    {"idleRestorer", "", 'n', get_idle_restorer},
    {NULL, NULL, 0, NULL},
};
