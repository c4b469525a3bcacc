#include "js.h"
#include "instance.h"
#include "signal_ring.h"

#include <stdio.h>
#include <string.h>

#define LARGEST_INTEGER 9007199254740991.0 /* 2^53 - 1 */

/* What is wrong with an argument. */
enum verdict { FITS, WRONG_TYPE, OUT_OF_RANGE };

static const struct integer {
  char letter;
  double least, most;
  const char *name;
} integers[] = {
    {'i', INT32_MIN, INT32_MAX, "an integer of 32 bits"},
    {'s', 1, SIGNAL_LAST, "the number of a signal"},
    {'p', 1, INT32_MAX, "a process id"},
    {'n', 0, LARGEST_INTEGER, "an integer that is not negative"},
    {'C', 0, LARGEST_INTEGER, "a channel that is open"},
    {'L', 0, LARGEST_INTEGER, "a fork lock"},
};

static const struct array {
  char letter;
  napi_typedarray_type type;
  const char *name;
} arrays[] = {
    {'u', napi_uint8_array, "a Uint8Array"},
    {'a', napi_int32_array, "an Int32Array"},
    {'o', napi_int32_array, "an Int32Array or undefined"},
    {'w', napi_uint32_array, "a Uint32Array"},
    {'f', napi_float64_array, "a Float64Array"},
};

static const struct {
  char letter;
  napi_valuetype type;
  const char *name;
} others[] = {
    {'b', napi_boolean, "a boolean"},
    {'F', napi_function, "a function"},
    {'m', napi_bigint, "a bigint of 64 bits"},
};

static enum verdict read_integer(struct js_call *call, const struct integer *integer,
                                 struct js_argument *argument) {
  double number;
  if (napi_get_value_double(call->env, argument->value, &number) != napi_ok)
    return WRONG_TYPE;
  if (!(number >= integer->least && number <= integer->most) || number != (double)(int64_t)number)
    return OUT_OF_RANGE;
  argument->number = number;
  if (number >= INT32_MIN && number <= INT32_MAX)
    argument->integer = (int)number;
  if (integer->letter != 'C' && integer->letter != 'L')
    return FITS;
  argument->data = handle_find(call->instance, integer->letter, number);
  return argument->data != NULL || call->instance->environment == NULL ? FITS : OUT_OF_RANGE;
}

static enum verdict read_array(struct js_call *call, const struct array *array,
                               struct js_argument *argument) {
  bool is_array = false;
  napi_typedarray_type type;
  napi_valuetype value_type = napi_object;
  if (array->letter == 'o')
    napi_typeof(call->env, argument->value, &value_type);
  if (value_type == napi_undefined)
    return FITS;
  if (napi_is_typedarray(call->env, argument->value, &is_array) != napi_ok || !is_array ||
      napi_get_typedarray_info(call->env, argument->value, &type, &argument->length,
                               &argument->data, NULL, NULL) != napi_ok)
    return WRONG_TYPE;
  return type == array->type ? FITS : WRONG_TYPE;
}

/* Reads one argument; `name` is then what it should be. */
static enum verdict read_argument(struct js_call *call, char letter, struct js_argument *argument,
                                  const char **name) {
  for (size_t i = 0; i < sizeof integers / sizeof *integers; i++) {
    *name = integers[i].name;
    if (integers[i].letter == letter)
      return read_integer(call, &integers[i], argument);
  }
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
    *name = arrays[i].name;
    if (arrays[i].letter == letter)
      return read_array(call, &arrays[i], argument);
  }
  napi_valuetype type = napi_undefined;
  bool lossless = true;
  size_t i = 0;
  while (others[i].letter != letter)
    i++;
  *name = others[i].name;
  if (napi_typeof(call->env, argument->value, &type) != napi_ok || type != others[i].type)
    return WRONG_TYPE;
  if (letter == 'b')
    napi_get_value_bool(call->env, argument->value, &argument->flag);
  else if (letter == 'm')
    napi_get_value_bigint_uint64(call->env, argument->value, &argument->bits, &lossless);
  return lossless ? FITS : OUT_OF_RANGE;
}

/* Whether the arguments are what the function takes; else an exception is pending. */
static int read_arguments(struct js_call *call, const struct js_export *export) {
  const char *takes = export->takes, *name = NULL;
  char message[160];
  if (*takes == '!') {
    takes++;
    if (call->instance->environment == NULL) {
      snprintf(message, sizeof message, "%s: this thread is ending", export->name);
      return js_throw(call, message), 0;
    }
  }
  size_t wanted = strlen(takes);
  int open = wanted > 0 && takes[wanted - 1] == '*';
  if (open ? call->count < wanted - 1 : call->count != wanted) {
    snprintf(message, sizeof message, "%s takes %s%zu arguments, not %zu", export->name,
             open ? "at least " : "", open ? wanted - 1 : wanted, call->count);
    return js_throw_type(call, message), 0;
  }
  for (size_t i = 0; i < wanted && takes[i] != '*'; i++) {
    enum verdict verdict = read_argument(call, takes[i], &call->arguments[i], &name);
    if (verdict == FITS)
      continue;
    snprintf(message, sizeof message, "%s: argument %zu must be %s", export->name, i + 1, name);
    return (verdict == WRONG_TYPE ? js_throw_type : js_throw_range)(call, message), 0;
  }
  return 1;
}

static napi_value enter(napi_env env, napi_callback_info info) {
  napi_value values[JS_ARGUMENTS], result = NULL;
  void *data = NULL;
  struct js_call call; /* its arguments are filled in as far as there are any */
  call.env = env;
  call.instance = instance_of(env);
  call.count = JS_ARGUMENTS;
  call.result = NULL;
  call.thrown = 0;
  napi_get_cb_info(env, info, &call.count, values, NULL, &data);
  const struct js_export *export = data;
  for (size_t i = 0; i < call.count && i < JS_ARGUMENTS; i++)
    call.arguments[i] = (struct js_argument){.value = values[i]};
  if (!read_arguments(&call, export))
    return NULL;
  double number = export->run(&call);
  if (call.thrown)
    return NULL;
  switch (export->returns) {
  case 'n':
    napi_create_double(env, number, &result);
    break;
  case 'b':
    napi_get_boolean(env, number != 0, &result);
    break;
  case 'x':
    result = call.result;
    break;
  }
  return result; /* NULL is undefined */
}

void js_define(napi_env env, napi_value exports, const struct js_export *list) {
  for (; list->name != NULL; list++) {
    napi_value function;
    napi_create_function(env, list->name, NAPI_AUTO_LENGTH, enter, (void *)(uintptr_t)list,
                         &function);
    napi_set_named_property(env, exports, list->name, function);
  }
}

double js_throw_range(struct js_call *call, const char *message) {
  napi_throw_range_error(call->env, "ERR_INVALID_ARG_VALUE", message);
  return call->thrown = 1;
}

double js_throw_type(struct js_call *call, const char *message) {
  napi_throw_type_error(call->env, "ERR_INVALID_ARG_TYPE", message);
  return call->thrown = 1;
}

double js_throw(struct js_call *call, const char *message) {
  napi_throw_error(call->env, NULL, message);
  return call->thrown = 1;
}
