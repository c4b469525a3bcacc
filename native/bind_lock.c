/* The fork lock as JavaScript holds it. */
#include "addon.h"
#include "fork_lock.h"
#include "watcher.h"

#include <errno.h>
#include <stdlib.h>

/* From the wish for the lock to its release. */
struct held_lock {
  struct lock_wait wait;
  struct request request; /* to the watcher, which delivers */
  struct environment *environment;
  struct instance *instance; /* the JavaScript thread's own, as is the next */
  double token;
  int taken; /* JavaScript knows that it has it */
  struct completion locked;
};

static void free_lock(struct held_lock *lock) {
  environment_release(lock->environment);
  free(lock);
}

static void write_lock(struct completion *completion, double *row, void *reader) {
  (void)reader;
  struct held_lock *lock = OWNER(struct held_lock, locked, completion);
  row[ROW_TOKEN] = lock->token;
  lock->taken = 1;
}

/* Granted to a thread that is gone. Any thread. */
static void discard_lock(struct completion *completion) {
  struct held_lock *lock = OWNER(struct held_lock, locked, completion);
  enum lock_mode mode = lock->wait.mode;
  free_lock(lock);
  fork_lock_release(mode);
}

static const struct completion_type locked_type = {
    .kind = COMPLETION_LOCKED, .write = write_lock, .discard = discard_lock};

/* The watcher's thread. */
static void deliver_lock(struct request *request) {
  struct held_lock *lock = OWNER(struct held_lock, request, request);
  environment_deliver(lock->environment, &lock->locked);
}

/* Whichever thread released the lock. */
static void lock_granted(struct lock_wait *wait) {
  watcher_request(&OWNER(struct held_lock, wait, wait)->request);
}

/* Gives up the lock, or the wish for it. The JavaScript thread. */
static void end_lock(void *data) {
  struct held_lock *lock = data;
  enum lock_mode mode = lock->wait.mode;
  lock->instance->locks--;
  if (lock->taken) {
    free_lock(lock);
    fork_lock_release(mode);
  } else if (fork_lock_cancel(&lock->wait)) {
    free_lock(lock);
  } /* else it is on its way here, and discard_lock is where it arrives */
}

/*
 * acquireLock(write: boolean, token): number, of the lock if it is held, else -number, and
 * COMPLETION_LOCKED follows; or an errno, below HANDLE_LEAST, if there is no lock.
 */
static double acquire_lock(struct js_call *call) {
  struct instance *instance = call->instance;
  int error = watcher_start();
  if (error != 0)
    return error;
  struct held_lock *lock = calloc(1, sizeof *lock);
  if (lock == NULL)
    return ENOMEM;
  lock->wait.mode = call->arguments[0].flag ? FORK_LOCK_WRITE : FORK_LOCK_READ;
  lock->wait.granted = lock_granted;
  lock->request.run = deliver_lock;
  lock->environment = instance->environment;
  lock->instance = instance;
  lock->token = call->arguments[1].number;
  lock->locked.type = &locked_type;
  environment_retain(lock->environment);
  instance->locks++;
  lock->taken = fork_lock_acquire(&lock->wait);
  int taken = lock->taken;
  double number = handle_add(instance, 'L', lock, end_lock);
  if (number < 0)
    return -number;
  return taken ? number : -number;
}

/* releaseLock(lock): void; the lock must be held */
static double release_lock(struct js_call *call) {
  struct held_lock *lock = call->arguments[0].data;
  if (lock == NULL)
    return 0; /* released when the environment closed */
  if (!lock->taken)
    return js_throw_range(call, "releaseLock: argument 1 must be a lock that is held");
  handle_remove(call->instance, call->arguments[0].number);
  end_lock(lock);
  return 0;
}

const struct js_export bind_lock_exports[] = {
    {"acquireLock", "!bn", 'n', acquire_lock},
    {"releaseLock", "L", 'v', release_lock},
    {NULL, NULL, 0, NULL},
};
