#define _GNU_SOURCE
#include "thread.h"
#include "failpoint.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>
#if defined(__FreeBSD__)
#include <pthread_np.h>
#elif defined(__linux__)
#include <sys/syscall.h>
#endif

#define STACK_SIZE (128u << 10) /* glibc takes no less on arm64 */

/* A name for ps(1) and debuggers; each system has its own way. */
static void set_name(const char *name) {
#if defined(__APPLE__)
  pthread_setname_np(name);
#elif defined(__FreeBSD__)
  pthread_set_name_np(pthread_self(), name);
#else
  pthread_setname_np(pthread_self(), name);
#endif
}

static void *thread_main(void *argument) {
  struct thread *thread = argument;
  set_name(thread->name);
  thread->run(thread);
  return NULL;
}

int thread_start(struct thread *thread) {
  sigset_t all, before;
  pthread_attr_t attributes;
  pthread_t id;
  if (failpoint(FAILPOINT_THREAD) != 0)
    return EAGAIN;
  sigfillset(&all);
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, STACK_SIZE);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&id, &attributes, thread_main, thread);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  return error;
}

int thread_is_first(void) {
#if defined(__APPLE__) || defined(__FreeBSD__)
  return pthread_main_np() != 0;
#else
  return syscall(SYS_gettid) == getpid();
#endif
}

void latch_open(struct latch *latch) {
  pthread_mutex_lock(&latch->lock);
  latch->open = 1;
  pthread_cond_signal(&latch->changed);
  pthread_mutex_unlock(&latch->lock);
}

void latch_wait(struct latch *latch) {
  pthread_mutex_lock(&latch->lock);
  while (!latch->open)
    pthread_cond_wait(&latch->changed, &latch->lock);
  pthread_mutex_unlock(&latch->lock);
}
