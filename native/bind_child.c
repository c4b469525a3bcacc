/* Children where a pidfd does not serve: see reap.h and waiter.h. */
#define _GNU_SOURCE
#include "addon.h"
#include "reap.h"
#include "spawner.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* signalChild(token, signal, toGroup: boolean): number, 0 or an errno; ESRCH once it was reaped */
napi_value signal_child(napi_env env, napi_callback_info info) {
  size_t count = 3;
  napi_value arguments[3];
  double token = 0;
  int32_t signal = 0;
  bool to_group = false;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (napi_get_value_double(env, arguments[0], &token) != napi_ok ||
      napi_get_value_int32(env, arguments[1], &signal) != napi_ok ||
      napi_get_value_bool(env, arguments[2], &to_group) != napi_ok)
    return throw_range(env, "a token, a signal and whether it is for the group are expected");
  return number(env, child_signal(instance_of(env)->environment, token, signal, to_group));
}

/* pinChild(token, unreaped: boolean): number, 0 or an errno */
napi_value pin_child(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2];
  double token = 0;
  bool unreaped = false;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (napi_get_value_double(env, arguments[0], &token) != napi_ok ||
      napi_get_value_bool(env, arguments[1], &unreaped) != napi_ok)
    return throw_range(env, "a token and whether it is not to be reaped are expected");
  return number(env, child_pin(instance_of(env)->environment, token, unreaped));
}

/* unpinChild(token): void, once for each pinChild that was 0 */
napi_value unpin_child(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value token_value;
  double token = 0;
  napi_get_cb_info(env, info, &count, &token_value, NULL, NULL);
  if (napi_get_value_double(env, token_value, &token) != napi_ok)
    return throw_range(env, "a token is expected");
  child_unpin(instance_of(env)->environment, token);
  return undefined(env);
}

/* A descriptor that tells the end of a child. */
struct exit_descriptor {
  struct child_wait wait; /* first, so that it is found by it */
  int fd;                 /* of a pipe the end that is written to: the other one is JavaScript's */
};

/* A thread of the waiter. */
static void tell_end(struct child_wait *wait) {
  struct exit_descriptor *descriptor = (void *)wait;
  /* The end of the pipe: at once, or when a child that is being launched has closed its copy. */
  close(descriptor->fd);
  free(descriptor);
}

/*
 * exitDescriptor(pid): number, a descriptor that is readable once this child, which the caller
 * reaps, has ended; or -errno. In place of a pidfd for poll(2).
 */
napi_value exit_descriptor(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value pid_value;
  int32_t pid = 0;
  napi_get_cb_info(env, info, &count, &pid_value, NULL, NULL);
  if (napi_get_value_int32(env, pid_value, &pid) != napi_ok || pid <= 0)
    return throw_range(env, "a process id is expected");
  int error = waiter_start();
  if (error != 0)
    return number(env, -error);
  struct exit_descriptor *descriptor = calloc(1, sizeof *descriptor);
  if (descriptor == NULL)
    return number(env, -ENOMEM);
  int fds[2];
  error = pipe_above_stdio(fds);
  if (error != 0) {
    free(descriptor);
    return number(env, -error);
  }
  descriptor->fd = fds[1];
  descriptor->wait.pid = pid;
  descriptor->wait.ended = tell_end;
  waiter_add(&descriptor->wait);
  return number(env, fds[0]);
}
