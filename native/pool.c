#define _GNU_SOURCE
#include "pool.h"
#include "thread.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

/* Calls often come in quick succession; starting another thread takes microseconds. */
#define IDLE_NANOSECONDS 100000000L
#define SECOND 1000000000L

/* The lock guards all of it and is held for microseconds. */
static struct {
  pthread_mutex_t lock;
  pthread_cond_t work;
  struct queue requests;
  int threads, idle, waiting; /* `waiting`: requests that no thread has taken yet */
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .work = PTHREAD_COND_INITIALIZER};

/* Waits for a request; NULL after a while without one. A thread of the pool; the lock is held. */
static struct request *take_locked(void) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_nsec += IDLE_NANOSECONDS;
  if (until.tv_nsec >= SECOND) {
    until.tv_sec++;
    until.tv_nsec -= SECOND;
  }
  pool.idle++;
  while (pool.requests.first == NULL) {
    if (pthread_cond_timedwait(&pool.work, &pool.lock, &until) == ETIMEDOUT)
      break;
  }
  pool.idle--;
  struct request *request = (void *)queue_take(&pool.requests);
  if (request != NULL)
    pool.waiting--;
  return request;
}

static void pool_main(struct thread *unused) {
  (void)unused;
  pthread_mutex_lock(&pool.lock);
  for (struct request *request; (request = take_locked()) != NULL;) {
    pthread_mutex_unlock(&pool.lock);
    request->run(request);
    pthread_mutex_lock(&pool.lock);
  }
  pool.threads--;
  pthread_mutex_unlock(&pool.lock);
}

static struct thread pool_thread = {pool_main, "forkexec-call"};

int pool_request(struct request *request) {
  int error = 0;
  pthread_mutex_lock(&pool.lock);
  if (pool.waiting >= pool.idle && pool.threads < POOL_MAX_THREADS) {
    error = thread_start(&pool_thread);
    if (error == 0)
      pool.threads++;
    else if (pool.threads > 0)
      error = 0; /* a thread that is busy now takes it later */
  }
  if (error == 0) {
    queue_add(&pool.requests, &request->link);
    pool.waiting++;
    pthread_cond_signal(&pool.work);
  }
  pthread_mutex_unlock(&pool.lock);
  return error;
}
