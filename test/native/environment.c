/*
 * An environment that closes discards its completions one after another: the second one of an
 * object, which frees it, waits for the first one wherever it is delivered.
 */
#include "environment.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>

static struct environment *environment;
static int discarded[4];
static int count;

static void remember(struct completion *completion);
static void deliver_more(struct completion *completion);

static const struct completion_type last = {.discard = remember};
static const struct completion_type first = {.discard = deliver_more};
static struct completion completions[4] = {
    {.type = &first}, {.type = &last}, {.type = &last}, {.type = &last}};

static void remember(struct completion *completion) {
  discarded[count++] = (int)(completion - completions);
}

static void *deliver(void *completion) {
  environment_deliver(environment, completion);
  environments_wake();
  return NULL;
}

/* The watcher's thread delivers the end of a process whose launch is being discarded. */
static void deliver_more(struct completion *completion) {
  pthread_t thread;
  assert(pthread_create(&thread, NULL, deliver, &completions[2]) == 0);
  assert(pthread_join(thread, NULL) == 0);
  remember(completion);
}

static void wake(void *data) {
  (void)data;
  assert(!"woken after the environment began to close");
}

int main(void) {
  environment = environment_create(wake, NULL);
  assert(environment != NULL);
  environment_retain(environment);
  environment_deliver(environment, &completions[0]);
  environment_deliver(environment, &completions[1]);
  environment_close(environment);
  environment_deliver(environment, &completions[3]);
  assert(count == 4);
  for (int i = 0; i < count; i++)
    assert(discarded[i] == i);
  environment_release(environment);
  printf("ok");
  return 0;
}
