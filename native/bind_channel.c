/* Descriptors that JavaScript reads and writes when the watcher says that it can. */
#include "addon.h"
#include "channel.h"

#include <errno.h>
#include <unistd.h>

static void end_channel(void *channel) {
  channel_close(channel, -1);
}

/* openChannel(fd: number, owned: boolean, token: number): number, of the channel or -errno */
static double open_channel(struct js_call *call) {
  int error;
  const struct js_argument *a = call->arguments;
  struct instance *instance = call->instance;
  struct channel *channel =
      channel_open(instance->environment, a[0].integer, a[1].flag, a[2].number, &error);
  if (channel == NULL)
    return -error;
  if (a[1].flag)
    owned_remove(environment_owned(instance->environment), a[0].integer);
  return handle_add(instance, 'C', channel, end_channel);
}

/* armChannel(channel, events: number): number, 0 or an errno */
static double arm_channel(struct js_call *call) {
  struct channel *channel = call->arguments[0].data;
  return channel == NULL ? EBADF : channel_arm(channel, (uint32_t)call->arguments[1].integer);
}

/* takeChannel(channel, into: Uint8Array, last: boolean): number, of bytes or -errno */
static double take_channel(struct js_call *call) {
  const struct js_argument *a = call->arguments;
  struct channel *channel = a[0].data;
  return channel == NULL ? -EIO : (double)channel_take(channel, a[1].data, a[1].length, a[2].flag);
}

/* closeChannel(channel, other: number): void. After the environment closed, its channels are closed
 * already, and so is `other`. */
static double close_channel(struct js_call *call) {
  int other = call->arguments[1].integer;
  if (call->arguments[0].data == NULL)
    return 0;
  owned_remove(environment_owned(call->instance->environment), other);
  handle_remove(call->instance, call->arguments[0].number);
  channel_close(call->arguments[0].data, other);
  return 0;
}

const struct js_export bind_channel_exports[] = {
    {"openChannel", "!ibn", 'n', open_channel},
    {"armChannel", "Ci", 'n', arm_channel},
    {"takeChannel", "Cub", 'n', take_channel},
    {"closeChannel", "Ci", 'v', close_channel},
    {NULL, NULL, 0, NULL},
};
