/*
 * The Node-API surface: argument checks, the data of one JavaScript thread, and completions as rows
 * of numbers. src/native.ts declares what is exported here.
 *
 * Everything in this file runs on a JavaScript thread, except where it says otherwise.
 */
#define _GNU_SOURCE /* environ */
#define NAPI_VERSION 8
#include <node_api.h>

#include "calls_linux.h"
#include "channel.h"
#include "process.h"
#include "raw_syscall.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROW 20 /* numbers a completion; src/native.ts has the same */

struct instance {
  struct environment *environment;
  napi_threadsafe_function wake;
  napi_ref callback; /* (rows: number) => void */
  napi_ref mailbox;  /* Float64Array that the rows are written to */
};

static napi_value undefined(napi_env env) {
  napi_value value;
  napi_get_undefined(env, &value);
  return value;
}

static napi_value throw_range(napi_env env, const char *message) {
  napi_throw_range_error(env, "ERR_INVALID_ARG_VALUE", message);
  return NULL;
}

static napi_value number(napi_env env, double value) {
  napi_value result;
  napi_create_double(env, value, &result);
  return result;
}

static struct instance *instance_of(napi_env env) {
  void *data = NULL;
  napi_get_instance_data(env, &data);
  return data;
}

/* The mailbox' memory and how many rows it holds; 0 before `initialize`. */
static size_t mailbox_of(napi_env env, struct instance *instance, double **rows) {
  napi_value array;
  size_t length = 0;
  void *data = NULL;
  if (instance->mailbox == NULL ||
      napi_get_reference_value(env, instance->mailbox, &array) != napi_ok ||
      napi_get_typedarray_info(env, array, NULL, &length, &data, NULL, NULL) != napi_ok)
    return 0;
  *rows = data;
  return length / ROW;
}

/* ---- completions ---- */

static double microseconds(struct timeval time) {
  return (double)time.tv_sec * 1e6 + (double)time.tv_usec;
}

static void write_launched(const struct process *process, double *row) {
  const struct launch_result *result = &process->result;
  row[0] = COMPLETION_LAUNCHED;
  row[1] = process->token;
  row[2] = result->step;
  row[3] = result->error;
  row[4] = result->pid;
  row[5] = result->pidfd;
  row[6] = result->inode;
  row[7] = result->max_rss_floor;
  row[8] = result->started;
}

static void write_exited(const struct process *process, double *row) {
  const struct rusage *usage = &process->usage;
  row[0] = COMPLETION_EXITED;
  row[1] = process->token;
  row[2] = process->code;
  row[3] = process->status;
  row[4] = process->wall_time;
  row[5] = microseconds(usage->ru_utime);
  row[6] = microseconds(usage->ru_stime);
  row[7] = (double)usage->ru_maxrss;
  row[8] = (double)usage->ru_minflt;
  row[9] = (double)usage->ru_majflt;
  row[10] = (double)usage->ru_inblock;
  row[11] = (double)usage->ru_oublock;
  row[12] = (double)usage->ru_nvcsw;
  row[13] = (double)usage->ru_nivcsw;
}

/* Writes a completion's row, and frees what has ended with it. */
static void write_row(struct completion *completion, double *row) {
  if (completion->kind == COMPLETION_READY) {
    const struct channel *channel = completion->owner;
    row[0] = COMPLETION_READY;
    row[1] = channel->token;
    row[2] = channel->events;
    return;
  }
  struct process *process = completion->owner;
  if (completion->kind == COMPLETION_LAUNCHED) {
    write_launched(process, row);
    if (process->result.step != LAUNCHED)
      process_free(process);
  } else {
    write_exited(process, row);
    /* Closes the pidfd here, on the thread that uses it: it is never closed under a user's hand. */
    process_free(process);
  }
}

/* Hands over all completions that wait, as many at a time as the mailbox holds. */
static void drain(napi_env env, napi_value unused, void *context, void *data) {
  (void)unused;
  (void)data;
  struct instance *instance = context;
  if (env == NULL || instance->environment == NULL)
    return; /* the JavaScript thread is ending */
  double *rows = NULL;
  size_t capacity = mailbox_of(env, instance, &rows);
  napi_value callback, receiver = undefined(env);
  if (capacity == 0 || napi_get_reference_value(env, instance->callback, &callback) != napi_ok)
    return;
  for (;;) {
    size_t count = 0;
    struct completion *completion = NULL;
    while (count < capacity && (completion = environment_take(instance->environment)) != NULL)
      write_row(completion, rows + count++ * ROW);
    if (count > 0) {
      napi_value argument = number(env, (double)count);
      napi_call_function(env, receiver, callback, 1, &argument, NULL);
    }
    if (completion == NULL)
      return;
  }
}

/* environment.h's `wake`: the spawner's thread. */
static void wake(void *data) {
  struct instance *instance = data;
  napi_call_threadsafe_function(instance->wake, NULL, napi_tsfn_nonblocking);
}

/* Runs before the thread-safe function is torn down, since it was registered after it. */
static void close_instance(void *data) {
  struct instance *instance = data;
  environment_close(instance->environment);
  instance->environment = NULL;
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

/* ---- launching ---- */

/*
 * (program: Uint8Array, size: number, token: number, closeFds: Int32Array | undefined). Returns
 * NULL with an exception pending when they are wrong; nothing is closed then.
 */
static struct process *process_of(napi_env env, napi_value *arguments) {
  struct instance *instance = instance_of(env);
  void *program = NULL, *fds = NULL;
  size_t available = 0, close_count = 0;
  int64_t size = -1;
  double token = 0;
  bool is_array = false;
  napi_typedarray_type type = napi_uint8_array;
  if (instance->environment == NULL ||
      napi_is_typedarray(env, arguments[0], &is_array) != napi_ok || !is_array ||
      napi_get_typedarray_info(env, arguments[0], &type, &available, &program, NULL, NULL) !=
          napi_ok ||
      type != napi_uint8_array || napi_get_value_int64(env, arguments[1], &size) != napi_ok ||
      size < 0 || (uint64_t)size > available ||
      napi_get_value_double(env, arguments[2], &token) != napi_ok) {
    throw_range(env, "a program, its size and a token are expected");
    return NULL;
  }
  napi_is_typedarray(env, arguments[3], &is_array);
  if (is_array) {
    napi_get_typedarray_info(env, arguments[3], &type, &close_count, &fds, NULL, NULL);
    if (type != napi_int32_array) {
      throw_range(env, "the descriptors to close are an Int32Array");
      return NULL;
    }
  }
  struct process *process =
      process_create(instance->environment, (size_t)size, (uint32_t)close_count);
  if (process == NULL) {
    throw_range(env, "out of memory");
    return NULL;
  }
  memcpy(process->bytes, program, (size_t)size);
  const char *wrong = program_load(&process->program, process->bytes, (size_t)size);
  if (wrong != NULL) {
    process_free(process);
    throw_range(env, wrong);
    return NULL;
  }
  if (close_count > 0)
    memcpy(process->close_fds, fds, close_count * sizeof(int));
  process->close_count = (uint32_t)close_count;
  process->token = token;
  return process;
}

/* launch(program, size, token, closeFds): number, 0 or the errno for which nothing was started */
static napi_value launch(napi_env env, napi_callback_info info) {
  size_t count = 4;
  napi_value arguments[4];
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  struct process *process = process_of(env, arguments);
  if (process == NULL)
    return NULL;
  process->watched = 1;
  return number(env, process_launch(process));
}

/*
 * launchSync(program, size, token, closeFds, watch: boolean): number, as `launch`; the row of
 * COMPLETION_LAUNCHED is in the mailbox' first. Without `watch` nobody reaps the process, and the
 * pidfd is the caller's to close.
 */
static napi_value launch_sync(napi_env env, napi_callback_info info) {
  size_t count = 5;
  napi_value arguments[5];
  double *row = NULL;
  bool watched = true;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  napi_get_value_bool(env, arguments[4], &watched);
  struct process *process = process_of(env, arguments);
  if (process == NULL)
    return NULL;
  process->watched = watched;
  int error = process_launch_sync(process);
  if (error != 0)
    return number(env, error);
  /* A watched process that ended already is freed once its exit is taken, on this thread. */
  mailbox_of(env, instance_of(env), &row);
  write_launched(process, row);
  if (process->result.step != LAUNCHED || !watched) {
    process->result.pidfd = -1;
    process_free(process);
  }
  return number(env, 0);
}

/* ---- channels ---- */

static struct channel *channel_of(napi_env env, napi_value value) {
  void *data = NULL;
  if (napi_get_value_external(env, value, &data) != napi_ok) {
    throw_range(env, "a channel is expected");
    return NULL;
  }
  return data;
}

/* openChannel(fd: number, owned: boolean, token: number): Channel | number, an errno */
static napi_value open_channel(napi_env env, napi_callback_info info) {
  size_t count = 3;
  napi_value arguments[3], result;
  int32_t fd = -1;
  bool owned = false;
  double token = 0;
  int error;
  struct instance *instance = instance_of(env);
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (instance->environment == NULL || napi_get_value_int32(env, arguments[0], &fd) != napi_ok ||
      napi_get_value_bool(env, arguments[1], &owned) != napi_ok ||
      napi_get_value_double(env, arguments[2], &token) != napi_ok)
    return throw_range(env, "a descriptor, a boolean and a token are expected");
  struct channel *channel = channel_open(instance->environment, fd, owned, token, &error);
  if (channel == NULL)
    return number(env, error);
  napi_create_external(env, channel, NULL, NULL, &result);
  return result;
}

/* armChannel(channel, events: number): number, 0 or an errno */
static napi_value arm_channel(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  uint32_t events = 0;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  struct channel *channel = channel_of(env, arguments[0]);
  if (channel == NULL)
    return NULL;
  napi_get_value_uint32(env, arguments[1], &events);
  return number(env, channel_arm(channel, events));
}

/* closeChannel(channel): void; the channel must not be used again */
static napi_value close_channel(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  struct channel *channel = channel_of(env, argument);
  /* After the environment closed, its channels are closed already. */
  if (channel != NULL && instance_of(env)->environment != NULL)
    channel_close(channel);
  return undefined(env);
}

/* signalMask(): bigint, the calling thread's, bit n-1 for signal n */
static napi_value signal_mask(napi_env env, napi_callback_info info) {
  (void)info;
  uint64_t mask = 0;
  napi_value result;
  CALL(SYS_rt_sigprocmask, SIG_SETMASK, 0, (long)&mask, sizeof mask);
  napi_create_bigint_uint64(env, mask, &result);
  return result;
}

/*
 * copyEnvironment(buffer: Uint8Array, offset: number, result: Int32Array): boolean. Writes
 * environ(7) as strings that each end with a NUL; result[0] is their size and result[1] how many
 * they are. False when there is not that much room. For the process' main thread: what another
 * thread does to the environment meanwhile, no libc defines, for this as for getenv(3).
 */
static napi_value copy_environment(napi_env env, napi_callback_info info) {
  size_t count = 3, room = 0, results = 0, offset, size = 0;
  napi_value arguments[3], fits;
  void *buffer = NULL, *result = NULL;
  int64_t at = 0;
  int32_t strings = 0;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  napi_get_typedarray_info(env, arguments[0], NULL, &room, &buffer, NULL, NULL);
  napi_get_value_int64(env, arguments[1], &at);
  napi_get_typedarray_info(env, arguments[2], NULL, &results, &result, NULL, NULL);
  if (buffer == NULL || result == NULL || results < 2 || at < 0 || (size_t)at > room)
    return throw_range(env, "a buffer, an offset in it and two numbers are expected");
  offset = (size_t)at;
  for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
    size_t length = strlen(*entry) + 1;
    if (offset + size + length <= room)
      memcpy((char *)buffer + offset + size, *entry, length);
    size += length;
    strings++;
  }
  ((int32_t *)result)[0] = (int32_t)size;
  ((int32_t *)result)[1] = strings;
  napi_get_boolean(env, offset + size <= room, &fits);
  return fits;
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
      {"openChannel", open_channel},
      {"armChannel", arm_channel},
      {"closeChannel", close_channel},
      {"signalMask", signal_mask},
      {"copyEnvironment", copy_environment},
      {"rawSyscall", raw_syscall},
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
