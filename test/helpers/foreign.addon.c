/*
 * A native library that wants signals as well: its handler counts, and calls the one that was there
 * before it.
 *
 *   install(number)   count(number): number   remove(number), which puts back what was there
 */
#define _GNU_SOURCE
#include <node_api.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#define LAST 64

static struct sigaction before[LAST + 1];
static atomic_int counts[LAST + 1];

static void handler(int number, siginfo_t *info, void *context) {
  atomic_fetch_add(&counts[number], 1);
  const struct sigaction *next = &before[number];
  if (next->sa_handler != SIG_DFL && next->sa_handler != SIG_IGN)
    next->sa_sigaction(number, info, context);
}

static int32_t number_of(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  int32_t number = 0;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  napi_get_value_int32(env, argument, &number);
  return number < 1 || number > LAST ? 0 : number;
}

static napi_value install(napi_env env, napi_callback_info info) {
  int32_t number = number_of(env, info);
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  sigaction(number, &action, &before[number]);
  return NULL;
}

static napi_value count(napi_env env, napi_callback_info info) {
  napi_value result;
  napi_create_int32(env, atomic_load(&counts[number_of(env, info)]), &result);
  return result;
}

static napi_value remove_handler(napi_env env, napi_callback_info info) {
  int32_t number = number_of(env, info);
  sigaction(number, &before[number], NULL);
  return NULL;
}

NAPI_MODULE_INIT() {
  static const struct {
    const char *name;
    napi_callback function;
  } functions[] = {{"install", install}, {"count", count}, {"remove", remove_handler}};
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    napi_value function;
    napi_create_function(env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].function, NULL,
                         &function);
    napi_set_named_property(env, exports, functions[i].name, function);
  }
  return exports;
}
