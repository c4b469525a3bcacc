#define _GNU_SOURCE
#include "thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>
#if defined(__FreeBSD__) || defined(__OpenBSD__)
#include <pthread_np.h>
#elif defined(__NetBSD__)
#include <lwp.h>
#elif defined(__linux__)
#include <sys/syscall.h>
#endif

#define STACK_SIZE (128u << 10) /* glibc takes no less on arm64 */

struct start {
  const char *name;
  void (*run)(void *);
  void *argument;
};

/* The name is for those who look at the process; each system has a way of its own. */
static void set_name(const char *name) {
#if defined(__APPLE__)
  pthread_setname_np(name);
#elif defined(__FreeBSD__) || defined(__OpenBSD__)
  pthread_set_name_np(pthread_self(), name);
#elif defined(__NetBSD__)
  pthread_setname_np(pthread_self(), "%s", (void *)(unsigned long)name);
#else
  pthread_setname_np(pthread_self(), name);
#endif
}

static void *thread_main(void *argument) {
  struct start start = *(struct start *)argument;
  free(argument);
  set_name(start.name);
  start.run(start.argument);
  return NULL;
}

int thread_start(const char *name, void (*run)(void *), void *argument) {
  sigset_t all, before;
  pthread_attr_t attributes;
  pthread_t thread;
  struct start *start = malloc(sizeof *start);
  if (start == NULL)
    return ENOMEM;
  *start = (struct start){name, run, argument};
  sigfillset(&all);
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, STACK_SIZE);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = pthread_create(&thread, &attributes, thread_main, start);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  if (error != 0)
    free(start);
  return error;
}

int thread_is_first(void) {
#if defined(__APPLE__) || defined(__FreeBSD__) || defined(__OpenBSD__)
  return pthread_main_np() != 0;
#elif defined(__NetBSD__)
  return _lwp_self() == 1;
#elif defined(__linux__)
  return syscall(SYS_gettid) == getpid();
#else
  return 0; /* not known: the spawner does what the first thread could do itself */
#endif
}
