#include "raw_syscall.h"
#include "calls_linux.h"

#include <stdlib.h>

#define ARGUMENTS 6
#define EXACT_INTEGERS 9007199254740992 /* 2^53 */

static void throw_type(napi_env env, const char *message) {
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", message);
}

/* The bytes of a string in memory of its own, which the caller frees; NULL when there is none. */
static char *string_of(napi_env env, napi_value value) {
  size_t length = 0;
  napi_get_value_string_utf8(env, value, NULL, 0, &length);
  char *bytes = malloc(length + 1);
  if (bytes != NULL)
    napi_get_value_string_utf8(env, value, bytes, length + 1, &length);
  return bytes;
}

/* Whether `value` is a view of bytes; `address` is then where they begin. */
static int address_of(napi_env env, napi_value value, void **address) {
  bool is = false;
  if (napi_is_typedarray(env, value, &is) == napi_ok && is)
    return napi_get_typedarray_info(env, value, NULL, NULL, address, NULL, NULL) == napi_ok;
  if (napi_is_dataview(env, value, &is) == napi_ok && is)
    return napi_get_dataview_info(env, value, NULL, address, NULL, NULL) == napi_ok;
  return 0;
}

/* One argument. Returns 0 with an exception pending when it can't be one. */
static int convert(napi_env env, napi_value value, long *result, char **owned) {
  napi_valuetype type = napi_undefined;
  void *address = NULL;
  bool lossless = true;
  int64_t number = 0;
  napi_typeof(env, value, &type);
  switch (type) {
  case napi_undefined:
  case napi_null:
    *result = 0;
    return 1;
  case napi_number:
    napi_get_value_int64(env, value, &number);
    *result = (long)number;
    return 1;
  case napi_bigint:
    napi_get_value_bigint_int64(env, value, &number, &lossless);
    if (!lossless) {
      uint64_t positive = 0;
      napi_get_value_bigint_uint64(env, value, &positive, &lossless);
      number = (int64_t)positive;
    }
    *result = (long)number;
    if (!lossless)
      throw_type(env, "a bigint argument has more than 64 bits");
    return lossless;
  case napi_string:
    *owned = string_of(env, value);
    *result = (long)*owned;
    return *owned != NULL;
  default:
    if (address_of(env, value, &address)) {
      *result = (long)address;
      return 1;
    }
    throw_type(env,
               "an argument is neither a number, a bigint, a string, a view of bytes nor null");
    return 0;
  }
}

napi_value raw_syscall(napi_env env, napi_callback_info info) {
  size_t count = ARGUMENTS + 1;
  napi_value values[ARGUMENTS + 1], result = NULL;
  long arguments[ARGUMENTS] = {0};
  char *owned[ARGUMENTS] = {NULL};
  int64_t number = 0;
  napi_get_cb_info(env, info, &count, values, NULL, NULL);
  if (count < 1 || napi_get_value_int64(env, values[0], &number) != napi_ok) {
    throw_type(env, "the number of a system call is expected");
    return NULL;
  }
  int valid = 1;
  for (size_t i = 1; valid && i < count && i <= ARGUMENTS; i++)
    valid = convert(env, values[i], &arguments[i - 1], &owned[i - 1]);
  if (valid) {
    long returned = call_kernel((long)number, arguments);
    if (returned >= -EXACT_INTEGERS && returned <= EXACT_INTEGERS)
      napi_create_double(env, (double)returned, &result);
    else
      napi_create_bigint_int64(env, returned, &result);
  }
  for (size_t i = 0; i < ARGUMENTS; i++)
    free(owned[i]);
  return result;
}
