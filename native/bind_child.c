/* Children that pidfds do not serve: see reap.h and waiter.h. */
#include "above_stdio.h"
#include "addon.h"
#include "reap.h"
#include "watcher.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* signalChild(token, signal, toGroup: boolean): number, 0 or an errno; ESRCH once it was reaped */
static double signal_child(struct js_call *call) {
  const struct js_argument *a = call->arguments;
  return reap_signal(call->instance->environment, a[0].number, a[1].integer, a[2].flag);
}

/* pinChild(token, unreaped: boolean): number, 0 or an errno */
static double pin_child(struct js_call *call) {
  const struct js_argument *a = call->arguments;
  return reap_pin(call->instance->environment, a[0].number, a[1].flag);
}

/* unpinChild(token): void, once for each pinChild that was 0 */
static double unpin_child(struct js_call *call) {
  reap_unpin(call->instance->environment, call->arguments[0].number);
  return 0;
}

/*
 * reapChild(token, info: Uint8Array, options, rusage: Uint8Array): number, 0 or -errno: waitid(2)
 * for a child with WATCH_OWN, which is forgotten once it was reaped. Blocks as the options say.
 */
static double reap_child(struct js_call *call) {
  const struct js_argument *a = call->arguments;
  if (a[1].length < sizeof(siginfo_t) || a[3].length < sizeof(struct rusage))
    return js_throw_range(call, "reapChild: there is no room for the result");
  siginfo_t info = {0};
  struct rusage usage = {0};
  long result = reap_own(call->instance->environment, a[0].number, &info, a[2].integer, &usage);
  memcpy(a[1].data, &info, sizeof info);
  memcpy(a[3].data, &usage, sizeof usage);
  return (double)result;
}

/* A descriptor that reports the end of a child. */
struct exit_descriptor {
  struct child_wait wait; /* first, so that it is found by it */
  int fd;                 /* of a pipe the end that is written to; JavaScript has the other */
  struct environment *environment;
  double token;
};

/* A thread of the waiter. */
static void close_writer(struct child_wait *wait) {
  struct exit_descriptor *descriptor = (void *)wait;
  /* The end of the pipe: at once, or when a child that is being launched has closed its copy. */
  close(descriptor->fd);
  reap_told(descriptor->environment, descriptor->token);
  environment_release(descriptor->environment);
  free(descriptor);
}

/*
 * exitDescriptor(token, pid): number, a descriptor that is readable once this child with WATCH_OWN
 * has ended; or -errno. In place of a pidfd for poll(2).
 */
static double exit_descriptor(struct js_call *call) {
  int fds[2];
  int error = watcher_start();
  if (error == 0)
    error = waiter_start();
  if (error != 0)
    return -error;
  struct exit_descriptor *descriptor = calloc(1, sizeof *descriptor);
  if (descriptor == NULL)
    return -ENOMEM;
  error = pipe_above_stdio(fds);
  if (error != 0) {
    free(descriptor);
    return -error;
  }
  descriptor->fd = fds[1];
  descriptor->environment = call->instance->environment;
  descriptor->token = call->arguments[0].number;
  environment_retain(descriptor->environment);
  reap_tells(descriptor->environment, descriptor->token);
  descriptor->wait.pid = call->arguments[1].integer;
  descriptor->wait.ended = close_writer;
  waiter_add(&descriptor->wait);
  error = owned_add(environment_owned(call->instance->environment), fds[0]);
  return error == 0 ? fds[0] : -error;
}

const struct js_export bind_child_exports[] = {
    {"signalChild", "nib", 'n', signal_child},       {"pinChild", "nb", 'n', pin_child},
    {"unpinChild", "n", 'v', unpin_child},           {"reapChild", "!nuiu", 'n', reap_child},
    {"exitDescriptor", "!np", 'n', exit_descriptor}, {NULL, NULL, 0, NULL},
};
