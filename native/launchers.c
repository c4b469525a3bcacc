#define _GNU_SOURCE /* Linux: MAP_ANON */
#include "launchers.h"
#include "above_stdio.h"
#include "processors.h"
#include "clock.h"
#include "thread.h"
#include "watcher.h"

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>

/* Microseconds after which what a thread does is not waited for any more. */
#define STUCK_AFTER 50000.0
/* Milliseconds between looks whether it is, while requests wait. */
#define LOOK_EVERY 20

struct launcher {
  struct thread thread;
  struct pool *pool;
  struct launcher *next;
  double busy_since; /* microseconds; 0 while it has nothing to do */
};

struct pool {
  pthread_cond_t work;
  struct queue requests;
  int waiting; /* requests that no thread has taken */
  int idle, threads;
  int alone; /* one thread at the most, whatever it does */
  const char *name;
  struct launcher *launchers;
};

#define POOL(its_name, is_alone)                                                                   \
  { .work = PTHREAD_COND_INITIALIZER, .name = its_name, .alone = is_alone }

/* The lock guards all of it and is held for microseconds. */
static struct {
  pthread_mutex_t lock;
  int most;    /* 0 until it is known */
  int looking; /* the watcher looks again soon */
  struct pool pools[LAUNCHERS_COUNT];
} launchers = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .pools = {POOL("forkexec-launch", 0), POOL("forkexec-trace", 1), POOL("forkexec-join", 0)},
};

/* The next request; waits for one. A launching thread; the lock is held. */
static struct request *take_locked(struct launcher *launcher) {
  struct pool *pool = launcher->pool;
  launcher->busy_since = 0;
  pool->idle++;
  while (pool->requests.first == NULL)
    pthread_cond_wait(&pool->work, &launchers.lock);
  pool->idle--;
  pool->waiting--;
  launcher->busy_since = monotonic_microseconds();
  return (void *)queue_take(&pool->requests);
}

static void launcher_main(struct thread *thread) {
  struct launcher *launcher = OWNER(struct launcher, thread, thread);
  for (;;) {
    pthread_mutex_lock(&launchers.lock);
    struct request *request = take_locked(launcher);
    pthread_mutex_unlock(&launchers.lock);
    request->run(request);
  }
}

/* The lock is held. */
static int count_stuck_locked(const struct pool *pool) {
  double now = monotonic_microseconds();
  int stuck = 0;
  for (const struct launcher *at = pool->launchers; at != NULL; at = at->next)
    stuck += at->busy_since > 0 && now - at->busy_since > STUCK_AFTER;
  return stuck;
}

/* How many threads there may be. Those that are stuck make room for twice as many: where many
   launches are stuck, the others are through soon. The lock is held. */
static int allowed_locked(const struct pool *pool) {
  return pool->alone ? 1 : launchers.most + 2 * count_stuck_locked(pool);
}

/* Returns 0 or a positive errno. The watcher's thread; the lock is held. */
static int start_locked(struct pool *pool) {
  /* Not with malloc, which would map 64 MiB for a thread that has nothing else of it. */
  struct launcher *launcher =
      mmap(NULL, sizeof *launcher, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
  if (launcher == MAP_FAILED)
    return errno;
  launcher->thread = (struct thread){launcher_main, pool->name};
  launcher->pool = pool;
  int error = thread_start(&launcher->thread);
  if (error != 0) {
    munmap(launcher, sizeof *launcher);
    return error;
  }
  launcher->next = pool->launchers;
  pool->launchers = launcher;
  pool->threads++;
  return 0;
}

/* Starts what is missing in one pool. Without any thread it hands out its requests, with the error.
   The watcher's thread; the lock is held. */
static int look_locked(struct pool *pool, struct queue *refused) {
  int error = 0, missing = pool->waiting - pool->idle;
  if (missing <= 0)
    return 0;
  for (int room = allowed_locked(pool) - pool->threads; missing > 0 && room > 0;
       room--, missing--) {
    error = start_locked(pool);
    if (error != 0)
      break;
  }
  if (pool->threads > 0)
    return 0; /* a thread that is busy now takes it later */
  *refused = pool->requests;
  pool->requests = (struct queue){0};
  pool->waiting = 0;
  return error;
}

/* Learns how many threads there may be. Files are read for that, so without the lock, for which a
   JavaScript thread may wait. The watcher's thread. */
static void learn_most(void) {
  static int is_learnt;
  if (is_learnt)
    return;
  int held = stdio_hold(), most = processors_to_use();
  stdio_release(held);
  pthread_mutex_lock(&launchers.lock);
  if (launchers.most == 0)
    launchers.most = most;
  pthread_mutex_unlock(&launchers.lock);
  is_learnt = 1;
}

int launchers_look(void) {
  struct queue refused[LAUNCHERS_COUNT] = {{0}};
  int errors[LAUNCHERS_COUNT], again = -1;
  learn_most();
  pthread_mutex_lock(&launchers.lock);
  for (int i = 0; i < LAUNCHERS_COUNT; i++) {
    struct pool *pool = &launchers.pools[i];
    errors[i] = look_locked(pool, &refused[i]);
    if (pool->waiting > 0)
      again = LOOK_EVERY;
  }
  launchers.looking = again >= 0;
  pthread_mutex_unlock(&launchers.lock);
  for (int i = 0; i < LAUNCHERS_COUNT; i++) {
    struct request *request;
    while ((request = (void *)queue_take(&refused[i])) != NULL)
      request->refuse(request, errors[i]);
  }
  return again;
}

void launchers_request(enum launchers which, struct request *request) {
  struct pool *pool = &launchers.pools[which];
  pthread_mutex_lock(&launchers.lock);
  queue_add(&pool->requests, &request->link);
  pool->waiting++;
  int missing = pool->waiting > pool->idle;
  int room = launchers.most == 0 || pool->threads < (pool->alone ? 1 : launchers.most);
  int wake = missing && (room || !launchers.looking);
  if (!missing)
    pthread_cond_signal(&pool->work);
  pthread_mutex_unlock(&launchers.lock);
  if (wake)
    watcher_wake();
}

int launchers_cancel(enum launchers which, const struct request *request) {
  struct pool *pool = &launchers.pools[which];
  pthread_mutex_lock(&launchers.lock);
  int waited = queue_remove(&pool->requests, &request->link);
  pool->waiting -= waited;
  pthread_mutex_unlock(&launchers.lock);
  return waited;
}

void launchers_limit(int most) {
  pthread_mutex_lock(&launchers.lock);
  launchers.most = most;
  pthread_mutex_unlock(&launchers.lock);
}
