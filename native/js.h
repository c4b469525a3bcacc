/*
 * From JavaScript into C: the one place that reads arguments. Each exported function says what it
 * takes and returns as a string of letters; a call with anything else throws, and does not arrive.
 *
 * All of it runs on a JavaScript thread.
 */
#ifndef FORKEXEC_JS_H
#define FORKEXEC_JS_H

#include "instance.h"

#include <stddef.h>

#define JS_ARGUMENTS 10 /* asyncSyscall has nine; one more than there may be is noticed */

/* One argument; the letter says which members have it. */
struct js_argument {
  double number;
  int integer;
  bool flag;
  uint64_t bits;
  void *data;
  size_t length;
  napi_value value;
};

/* A call on its way. */
struct js_call {
  napi_env env;
  struct instance *instance;
  size_t count;
  struct js_argument arguments[JS_ARGUMENTS];
  napi_value result; /* of a function that returns `x` */
  int thrown;        /* an exception is pending: the result does not matter */
};

/*
 * `takes`, a letter for each argument:
 *   b  a boolean: flag
 *   i  a 32-bit integer: integer
 *   s  the number of a signal: integer
 *   p  a process id: integer
 *   n  an integer from 0 to 2^53 - 1: number
 *   m  a bigint from 0 to 2^64 - 1: bits
 *   u a w f  a Uint8Array, Int32Array, Uint32Array, Float64Array: data, length in elements, value
 *   o  an Int32Array or undefined: the same
 *   F  a function: value
 *   C L  a channel, a fork lock: data, which is NULL once the thread is ending
 *   *  any values from here on: value
 * With a `!` before them the function throws once the thread is ending.
 *
 * `returns`: n a number, b a boolean, v nothing, x call->result.
 */
struct js_export {
  const char *name;
  const char *takes;
  char returns;
  double (*run)(struct js_call *call);
};

/* Makes properties of `exports` from a list that ends with a NULL name and lives forever. */
void js_define(napi_env env, napi_value exports, const struct js_export *list);

/* Throw a RangeError, a TypeError or an Error, for `call`; return 0. */
double js_throw_range(struct js_call *call, const char *message);
double js_throw_type(struct js_call *call, const char *message);
double js_throw(struct js_call *call, const char *message);

#endif
