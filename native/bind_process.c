/* Launching processes, and replacing this one. */
#include "addon.h"
#include "exec.h"
#include "process.h"
#include "reap.h"
#include "signal_order.h"
#include "sigset.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#ifdef __APPLE__
#include <crt_externs.h>
#define environ (*_NSGetEnviron())
#else
extern char **environ;
#endif

static double microseconds(struct timeval time) {
  return (double)time.tv_sec * 1e6 + (double)time.tv_usec;
}

static void write_launched(const struct process *process, double *row) {
  const struct launch_result *result = &process->result;
  row[ROW_TOKEN] = process->token;
  row[LAUNCHED_STEP] = result->step;
  row[LAUNCHED_ERROR] = result->error;
  row[LAUNCHED_PID] = result->pid;
  row[LAUNCHED_PIDFD] = result->pidfd;
  row[LAUNCHED_INODE] = result->inode;
  row[LAUNCHED_MAX_RSS_FLOOR] = result->max_rss_floor;
  row[LAUNCHED_STARTED] = result->started;
  row[LAUNCHED_SKIPPED] = result->skipped_count;
  for (uint32_t i = 0; i < result->skipped_count; i++)
    row[LAUNCHED_FIRST_SKIPPED + i] = result->skipped[i].step * 4096.0 + result->skipped[i].error;
}

static void write_exited(const struct process *process, double *row) {
  const struct rusage *usage = &process->usage;
  row[ROW_TOKEN] = process->token;
  row[EXITED_CODE] = process->code;
  row[EXITED_STATUS] = process->status;
  row[EXITED_WALL_TIME] = process->wall_time;
  row[EXITED_USER_TIME] = microseconds(usage->ru_utime);
  row[EXITED_SYSTEM_TIME] = microseconds(usage->ru_stime);
  row[EXITED_MAX_RSS] = (double)usage->ru_maxrss;
  row[EXITED_MINOR_FAULTS] = (double)usage->ru_minflt;
  row[EXITED_MAJOR_FAULTS] = (double)usage->ru_majflt;
  row[EXITED_BLOCK_INPUT] = (double)usage->ru_inblock;
  row[EXITED_BLOCK_OUTPUT] = (double)usage->ru_oublock;
  row[EXITED_VOLUNTARY_SWITCHES] = (double)usage->ru_nvcsw;
  row[EXITED_INVOLUNTARY_SWITCHES] = (double)usage->ru_nivcsw;
}

void write_process_row(struct completion *completion, double *row) {
  if (completion->kind == COMPLETION_LAUNCHED)
    write_launched(completion->owner, row);
  else
    write_exited(completion->owner, row);
}

void finish_process_row(struct completion *completion, int told) {
  struct process *process = completion->owner;
  if (completion->kind == COMPLETION_EXITED) {
    reap_release(process);
  } else if (process->result.step != START_LAUNCHED) {
    process_free(process);
  } else if (!process->watched && told) {
    process->result.pidfd = -1; /* JavaScript's, from now on */
    process_free(process);
  } else if (!process->watched) {
    reap_watch(process);
  }
}

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

/*
 * launch(program, size, token, closeFds, watch: boolean): number, 0 or the errno for which nothing
 * was started. Without `watch` nobody reaps the process, and the pidfd is the caller's to close.
 */
napi_value launch(napi_env env, napi_callback_info info) {
  size_t count = 5;
  napi_value arguments[5];
  bool watched = true;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  napi_get_value_bool(env, arguments[4], &watched);
  struct process *process = process_of(env, arguments);
  if (process == NULL)
    return NULL;
  process->watched = watched;
  return number(env, process_launch(process));
}

/*
 * launchSync(program, size, token, closeFds, watch, onSpawner: boolean): number, as `launch`, and
 * the row of COMPLETION_LAUNCHED is in the mailbox' first.
 */
napi_value launch_sync(napi_env env, napi_callback_info info) {
  size_t count = 6;
  napi_value arguments[6];
  double *row = NULL;
  bool watched = true, on_spawner = false;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  napi_get_value_bool(env, arguments[4], &watched);
  napi_get_value_bool(env, arguments[5], &on_spawner);
  struct process *process = process_of(env, arguments);
  if (process == NULL)
    return NULL;
  process->watched = watched;
  if (holds_lock(instance_of(env))) {
    process_free(process);
    return number(env, EDEADLK);
  }
  int error = process_launch_sync(process, on_spawner);
  if (error != 0)
    return number(env, error);
  /* A watched process that ended already is freed once its exit is taken, on this thread. */
  mailbox_of(env, instance_of(env), &row);
  write_launched(process, row);
  if (process->result.step != START_LAUNCHED || !watched) {
    process->result.pidfd = -1;
    process_free(process);
  }
  return number(env, 0);
}

/* monotonicTime(): number, CLOCK_MONOTONIC in microseconds: only Node's hrtime is the same clock */
napi_value monotonic_time(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, monotonic_microseconds());
}

/* hasClone3(): boolean */
napi_value has_clone3(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value result;
  napi_get_boolean(env, launch_has_clone3(), &result);
  return result;
}

/* openStdio(): number, bit n for descriptor n of 0 to 2 */
napi_value open_stdio(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, launch_open_stdio());
}

/* signalMask(): bigint, the calling thread's, bit n-1 for signal n */
napi_value signal_mask(napi_env env, napi_callback_info info) {
  (void)info;
  sigset_t mask;
  napi_value result;
  pthread_sigmask(SIG_SETMASK, NULL, &mask);
  napi_create_bigint_uint64(
      env, word_of_set(&mask) & (~order_blocked_here() | instance_of(env)->blocked), &result);
  return result;
}

/*
 * copyEnvironment(buffer: Uint8Array, offset: number, result: Int32Array): boolean. Writes
 * environ(7) as strings that each end with a NUL; result[0] is their size and result[1] how many
 * they are. False when there is not that much room. For the process' main thread: what another
 * thread does to the environment meanwhile, no libc defines, for this as for getenv(3).
 */
napi_value copy_environment(napi_env env, napi_callback_info info) {
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

/*
 * exec(program: Uint8Array, size: number): number[] of the step that failed and its errno; if none
 * does it never returns. The process' main thread.
 */
napi_value exec(napi_env env, napi_callback_info info) {
  size_t count = 2, available = 0;
  napi_value arguments[2], result;
  void *source = NULL;
  int64_t size = -1;
  napi_typedarray_type type = napi_int8_array;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (napi_get_typedarray_info(env, arguments[0], &type, &available, &source, NULL, NULL) !=
          napi_ok ||
      type != napi_uint8_array || napi_get_value_int64(env, arguments[1], &size) != napi_ok ||
      size < 0 || (uint64_t)size > available)
    return throw_range(env, "a program and its size are expected");
  struct program program;
  unsigned char *bytes = malloc(program_allocation((size_t)size));
  if (bytes == NULL)
    return throw_range(env, "out of memory");
  memcpy(bytes, source, (size_t)size);
  const char *wrong = program_load(&program, bytes, (size_t)size);
  if (wrong != NULL) {
    free(bytes);
    return throw_range(env, wrong);
  }
  struct failure failure = exec_in_place(&program);
  free(bytes);
  napi_create_array_with_length(env, 2, &result);
  napi_set_element(env, result, 0, number(env, failure.step));
  napi_set_element(env, result, 1, number(env, failure.error));
  return result;
}
