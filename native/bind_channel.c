/* Descriptors that JavaScript reads and writes when the spawner says that it can. */
#include "addon.h"
#include "channel.h"

void write_channel_row(struct completion *completion, double *row) {
  const struct channel *channel = completion->owner;
  row[ROW_TOKEN] = channel->token;
  row[READY_EVENTS] = channel->events;
}

static struct channel *channel_of(napi_env env, napi_value value) {
  void *data = NULL;
  if (napi_get_value_external(env, value, &data) != napi_ok) {
    throw_range(env, "a channel is expected");
    return NULL;
  }
  return data;
}

/* openChannel(fd: number, owned: boolean, token: number): Channel | number, an errno */
napi_value open_channel(napi_env env, napi_callback_info info) {
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
napi_value arm_channel(napi_env env, napi_callback_info info) {
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
napi_value close_channel(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  struct channel *channel = channel_of(env, argument);
  /* After the environment closed, its channels are closed already. */
  if (channel != NULL && instance_of(env)->environment != NULL)
    channel_close(channel);
  return undefined(env);
}
