#include "failpoint.h"

#ifdef FORKEXEC_FAILPOINTS

#include "launch.h"

#include <pthread.h>
#include <time.h>

static struct {
  pthread_mutex_t lock;
  int point;        /* of FAILPOINT; -1: none */
  int error;        /* 0: only a delay */
  int skip;         /* how many times it is passed before it fails, or the index of the step */
  int milliseconds; /* of the delay */
  int fired;
} plan = {.lock = PTHREAD_MUTEX_INITIALIZER, .point = -1};

long failpoint(int point) {
  pthread_mutex_lock(&plan.lock);
  int fires = plan.point == point && !plan.fired && plan.skip-- == 0;
  if (fires)
    plan.fired = 1;
  long error = fires ? plan.error : 0, delay = fires ? plan.milliseconds : 0;
  pthread_mutex_unlock(&plan.lock);
  if (delay > 0)
    nanosleep(&(struct timespec){.tv_sec = delay / 1000, .tv_nsec = delay % 1000 * 1000000}, NULL);
  return -error;
}

void failpoint_set_step(struct child_start *start) {
  pthread_mutex_lock(&plan.lock);
  if (plan.point == FAILPOINT_STEP && (uint32_t)plan.skip < start->program->count) {
    plan.fired = 1;
    start->fail_step = plan.skip;
    start->fail_error = plan.error;
  }
  pthread_mutex_unlock(&plan.lock);
}

int failpoint_plan(int point, int error, int skip, int milliseconds) {
  pthread_mutex_lock(&plan.lock);
  int fired = plan.fired;
  plan.point = point;
  plan.error = error;
  plan.skip = skip;
  plan.milliseconds = milliseconds;
  plan.fired = 0;
  pthread_mutex_unlock(&plan.lock);
  return fired;
}

#endif
