/* Children that their JavaScript thread reaps itself: see reap.h. */
#include "children.h"
#include "probe.h"
#include "watcher.h"

#include <errno.h>
#include <sys/wait.h>

void reap_list_own(struct child *child) {
  reap_list(child, 0);
  child->own = 1;
  if (child->launch.pidfd >= 0)
    owned_add(environment_owned(child->environment), child->launch.pidfd);
}

long reap_own(struct environment *environment, double token, siginfo_t *info, int options,
              struct rusage *usage) {
  pthread_mutex_lock(&children.lock);
  struct child *child = find_locked(environment, token);
  pthread_mutex_unlock(&children.lock);
  if (child == NULL || !child->own)
    return -ECHILD;
  info->si_pid = 0;
  /* Only this thread frees it, or reaps it. */
  long result = wait_for_child(child->launch.pid, child->launch.pidfd, info, options, usage);
  if ((options & WNOWAIT) != 0 || (result == 0 && info->si_pid == 0))
    return result;
  pthread_mutex_lock(&children.lock);
  unlink_locked(child);
  pthread_mutex_unlock(&children.lock);
  child->launch.pidfd = -1; /* the thread closes it */
  child->free(child);
  return result;
}

void reap_tells(struct environment *environment, double token) {
  pthread_mutex_lock(&children.lock);
  struct child *child = find_locked(environment, token);
  if (child != NULL)
    child->told = 1;
  pthread_mutex_unlock(&children.lock);
}

void reap_told(struct environment *environment, double token) {
  pthread_mutex_lock(&children.lock);
  struct child *child = find_locked(environment, token);
  if (child != NULL) {
    child->told = 0;
    if (!child->own)
      watcher_request(&child->end);
  }
  pthread_mutex_unlock(&children.lock);
}

/* The thread of a child of its own is gone: from here on it is like others. The JavaScript thread.
 */
void take_over_locked(struct child *child) {
  child->own = 0;
  /* Otherwise the thread has closed it already. */
  if (!owned_remove(environment_owned(child->environment), child->launch.pidfd))
    child->launch.pidfd = -1;
  if (!child->told)
    reap_watch(child);
}
