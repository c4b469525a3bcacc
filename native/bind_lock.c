/* The fork lock as JavaScript holds it. */
#include "addon.h"
#include "fork_lock.h"

#include <stdlib.h>

/* From the wish for the lock to its release. */
struct held_lock {
  struct lock_wait wait;
  struct request request; /* to the spawner, which delivers */
  struct environment *environment;
  double token;
  int taken; /* JavaScript knows that it has it; the JavaScript thread's own */
  struct completion locked;
  struct held_lock *previous, *next; /* of the same thread */
};

static void free_lock(struct held_lock *lock) {
  environment_release(lock->environment);
  free(lock);
}

/* Granted to a thread that is gone. Any thread. */
static void discard_lock(struct completion *completion) {
  struct held_lock *lock = completion->owner;
  enum lock_mode mode = lock->wait.mode;
  free_lock(lock);
  fork_lock_release(mode);
}

/* The spawner's thread. */
static void deliver_lock(struct request *request) {
  struct held_lock *lock = (void *)((char *)request - offsetof(struct held_lock, request));
  environment_deliver(lock->environment, &lock->locked);
}

/* Whichever thread released the lock. */
static void lock_granted(struct lock_wait *wait) {
  struct held_lock *lock = (void *)((char *)wait - offsetof(struct held_lock, wait));
  spawner_request(&lock->request);
}

void write_lock_row(struct completion *completion, double *row) {
  struct held_lock *lock = completion->owner;
  row[ROW_TOKEN] = lock->token;
  lock->taken = 1;
}

static void unlink_lock(struct instance *instance, struct held_lock *lock) {
  if (lock->previous == NULL)
    instance->locks = lock->next;
  else
    lock->previous->next = lock->next;
  if (lock->next != NULL)
    lock->next->previous = lock->previous;
}

int holds_lock(const struct instance *instance) {
  const struct held_lock *lock = instance->locks;
  while (lock != NULL && !lock->taken)
    lock = lock->next;
  return lock != NULL;
}

void release_locks(struct instance *instance) {
  struct held_lock *lock = instance->locks;
  instance->locks = NULL;
  while (lock != NULL) {
    struct held_lock *next = lock->next;
    enum lock_mode mode = lock->wait.mode;
    if (lock->taken) {
      free_lock(lock);
      fork_lock_release(mode);
    } else if (fork_lock_cancel(&lock->wait)) {
      free_lock(lock);
    } /* else it is on its way here, and discard_lock is where it arrives */
    lock = next;
  }
}

/*
 * acquireLock(write: boolean, token): [lock, boolean], whether it is held already; if not,
 * COMPLETION_LOCKED follows.
 */
napi_value acquire_lock(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2], result, element;
  struct instance *instance = instance_of(env);
  bool write = false;
  double token = 0;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  if (instance->environment == NULL || napi_get_value_bool(env, arguments[0], &write) != napi_ok ||
      napi_get_value_double(env, arguments[1], &token) != napi_ok || spawner_start() != 0)
    return throw_range(env, "a boolean and a token are expected");
  struct held_lock *lock = calloc(1, sizeof *lock);
  if (lock == NULL)
    return throw_range(env, "out of memory");
  lock->wait.mode = write ? LOCK_WRITE : LOCK_READ;
  lock->wait.granted = lock_granted;
  lock->request.run = deliver_lock;
  lock->environment = instance->environment;
  lock->token = token;
  lock->locked =
      (struct completion){.kind = COMPLETION_LOCKED, .owner = lock, .discard = discard_lock};
  environment_retain(lock->environment);
  lock->next = instance->locks;
  if (lock->next != NULL)
    lock->next->previous = lock;
  instance->locks = lock;
  bool held = fork_lock_acquire(&lock->wait);
  if (held)
    lock->taken = 1;
  napi_create_array_with_length(env, 2, &result);
  napi_create_external(env, lock, NULL, NULL, &element);
  napi_set_element(env, result, 0, element);
  napi_get_boolean(env, held, &element);
  napi_set_element(env, result, 1, element);
  return result;
}

/* releaseLock(lock): void, which must be held and not be used again */
napi_value release_lock(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  void *data = NULL;
  struct instance *instance = instance_of(env);
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  struct held_lock *lock = NULL;
  if (napi_get_value_external(env, argument, &data) == napi_ok)
    lock = data;
  if (lock == NULL || !lock->taken || instance->environment == NULL)
    return throw_range(env, "a lock that is held is expected");
  enum lock_mode mode = lock->wait.mode;
  unlink_lock(instance, lock);
  free_lock(lock);
  fork_lock_release(mode);
  return undefined(env);
}
