#include "arguments.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The bytes of a string and a NUL in memory of their own; `length` is without the NUL. */
static char *string_of(napi_env env, napi_value value, size_t *length) {
  napi_get_value_string_utf8(env, value, NULL, 0, length);
  char *bytes = malloc(*length + 1);
  if (bytes != NULL)
    napi_get_value_string_utf8(env, value, bytes, *length + 1, length);
  return bytes;
}

/* Whether `value` is a view of bytes that are there. */
static int view_of(napi_env env, napi_value value, void **bytes, size_t *length) {
  static const size_t sizes[] = {1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8};
  napi_value buffer;
  napi_typedarray_type type = napi_uint8_array;
  bool is = false, detached = false;
  if (napi_is_typedarray(env, value, &is) == napi_ok && is) {
    if (napi_get_typedarray_info(env, value, &type, length, bytes, &buffer, NULL) != napi_ok)
      return 0;
    *length *= (size_t)type < sizeof sizes / sizeof *sizes ? sizes[type] : 2;
  } else if (napi_is_dataview(env, value, &is) == napi_ok && is) {
    if (napi_get_dataview_info(env, value, length, bytes, &buffer, NULL) != napi_ok)
      return 0;
  } else {
    return 0;
  }
  napi_is_detached_arraybuffer(env, buffer, &detached);
  return !detached;
}

/* The element's type, and the element; napi_undefined where an accessor threw. */
static napi_valuetype element_of(napi_env env, napi_value array, uint32_t i, napi_value *element) {
  napi_valuetype type = napi_undefined;
  if (napi_get_element(env, array, i, element) != napi_ok ||
      napi_typeof(env, *element, &type) != napi_ok)
    return napi_undefined;
  return type;
}

/* char ** and the strings behind it, in one allocation; NULL if it holds anything else. */
static void *strings_of(napi_env env, napi_value array) {
  uint32_t count = 0;
  size_t size = 0, length = 0;
  napi_value element;
  napi_get_array_length(env, array, &count);
  for (uint32_t i = 0; i < count; i++) {
    napi_valuetype type = element_of(env, array, i, &element);
    if (type == napi_string)
      napi_get_value_string_utf8(env, element, NULL, 0, &length);
    else if (type != napi_null)
      return NULL;
    size += type == napi_string ? length + 1 : 0;
  }
  size_t table = ((size_t)count + 1) * sizeof(char *);
  char **pointers = malloc(table + size);
  if (pointers == NULL)
    return NULL;
  char *at = (char *)pointers + table, *end = at + size;
  for (uint32_t i = 0; i < count; i++) {
    pointers[i] = NULL;
    /* An accessor may give another string the second time: it is cut off at the room there is. */
    if (element_of(env, array, i, &element) != napi_string || at >= end)
      continue;
    napi_get_value_string_utf8(env, element, at, (size_t)(end - at), &length);
    pointers[i] = at;
    at += length + 1;
  }
  pointers[count] = NULL;
  return pointers;
}

static int read_bigint(napi_env env, napi_value value, long *result) {
  bool lossless = true;
  int64_t number = 0;
  napi_get_value_bigint_int64(env, value, &number, &lossless);
  if (!lossless) {
    uint64_t positive = 0;
    napi_get_value_bigint_uint64(env, value, &positive, &lossless);
    number = (int64_t)positive;
  }
  *result = (long)number;
  return lossless;
}

static const char *read_object(napi_env env, napi_value value, int copy,
                               struct call_arguments *arguments, size_t i) {
  void *bytes = NULL;
  size_t length = 0;
  bool is_array = false;
  napi_is_array(env, value, &is_array);
  if (is_array) {
    arguments->copies[i].bytes = strings_of(env, value);
    arguments->values[i] = (long)arguments->copies[i].bytes;
    return arguments->copies[i].bytes == NULL ? "an array holds strings and nulls alone" : NULL;
  }
  if (!view_of(env, value, &bytes, &length))
    return "an argument is neither a number, a bigint, a string, an array of strings, a view of "
           "bytes that are there nor null";
  arguments->values[i] = (long)bytes;
  if (!copy)
    return NULL;
  arguments->copies[i].bytes = malloc(length + 1);
  if (arguments->copies[i].bytes == NULL)
    return "out of memory";
  if (length > 0)
    memcpy(arguments->copies[i].bytes, bytes, length);
  arguments->copies[i].length = length;
  arguments->values[i] = (long)arguments->copies[i].bytes;
  napi_create_reference(env, value, 1, &arguments->copies[i].view);
  return NULL;
}

/* One argument. Returns NULL, or what is wrong with it. */
static const char *read_one(napi_env env, napi_value value, int copy,
                            struct call_arguments *arguments, size_t i) {
  napi_valuetype type = napi_undefined;
  double number = 0;
  int64_t integer = 0;
  size_t length = 0;
  napi_typeof(env, value, &type);
  switch (type) {
  case napi_undefined:
  case napi_null:
    return NULL;
  case napi_number:
    napi_get_value_double(env, value, &number);
    napi_get_value_int64(env, value, &integer);
    arguments->values[i] = (long)integer;
    /* 2^63 itself converts to the largest integer, which as a double is 2^63 again. */
    return (double)integer == number && number < 9223372036854775808.0
               ? NULL
               : "a number is not an integer of 64 bits";
  case napi_bigint:
    return read_bigint(env, value, &arguments->values[i]) ? NULL : "a bigint has more than 64 bits";
  case napi_string:
    arguments->copies[i].bytes = string_of(env, value, &length);
    arguments->values[i] = (long)arguments->copies[i].bytes;
    return arguments->copies[i].bytes == NULL ? "out of memory" : NULL;
  default:
    return read_object(env, value, copy, arguments, i);
  }
}

int arguments_read(struct js_call *call, size_t first, int copy, struct call_arguments *arguments) {
  napi_env env = call->env;
  size_t count = call->count - first;
  int64_t number = 0;
  double exact = 0.5;
  const char *wrong = NULL;
  memset(arguments, 0, sizeof *arguments);
  napi_value value = count < 1 ? NULL : call->arguments[first].value;
  if (count < 1 || napi_get_value_double(env, value, &exact) != napi_ok ||
      napi_get_value_int64(env, value, &number) != napi_ok || (double)number != exact)
    wrong = "the number of a system call is expected";
  else if (count > CALL_ARGUMENTS + 1)
    wrong = "a system call has six arguments at the most";
  arguments->number = (long)number;
  for (size_t i = 1; wrong == NULL && i < count; i++)
    wrong = read_one(env, call->arguments[first + i].value, copy, arguments, i - 1);
  if (wrong == NULL)
    return 1;
  for (size_t i = 0; i < CALL_ARGUMENTS; i++) {
    if (arguments->copies[i].view != NULL)
      napi_delete_reference(env, arguments->copies[i].view);
  }
  arguments_free(arguments);
  bool pending = false;
  napi_is_exception_pending(env, &pending); /* an accessor's own error says more */
  if (!pending)
    js_throw_type(call, wrong);
  call->thrown = 1;
  return 0;
}

void arguments_return(napi_env env, struct call_arguments *arguments) {
  for (size_t i = 0; i < CALL_ARGUMENTS; i++) {
    napi_ref view = arguments->copies[i].view;
    napi_value value;
    void *bytes = NULL;
    size_t length = 0;
    if (view == NULL)
      continue;
    /* Nothing to copy to if it was transferred meanwhile. */
    if (napi_get_reference_value(env, view, &value) == napi_ok &&
        view_of(env, value, &bytes, &length) && length == arguments->copies[i].length && length > 0)
      memcpy(bytes, arguments->copies[i].bytes, length);
    napi_delete_reference(env, view);
    arguments->copies[i].view = NULL;
  }
}

void arguments_free(struct call_arguments *arguments) {
  for (size_t i = 0; i < CALL_ARGUMENTS; i++)
    free(arguments->copies[i].bytes);
}
