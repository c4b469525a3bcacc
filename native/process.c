#include "process.h"
#include "failpoint.h"
#include "thread.h"
#include "watcher.h"

#include <stdlib.h>
#include <unistd.h>

static void run_request(struct request *request);
static void refuse_request(struct request *request, int error);
static void lock_granted(struct lock_wait *wait);

static void write_launched(struct completion *completion, double *row, void *reader) {
  (void)reader;
  const struct process *process = OWNER(struct process, launched, completion);
  const struct launch_result *result = &process->child.launch;
  row[ROW_TOKEN] = process->child.token;
  row[LAUNCHED_STEP] = result->step;
  row[LAUNCHED_ERROR] = result->error;
  row[LAUNCHED_PID] = result->pid;
  row[LAUNCHED_PIDFD] = result->pidfd;
  row[LAUNCHED_INODE] = result->inode;
  row[LAUNCHED_MAX_RSS_FLOOR] = result->max_rss_floor;
  row[LAUNCHED_STARTED] = result->started;
  row[LAUNCHED_SKIPPED] = result->skipped_count;
  for (uint32_t i = 0; i < result->skipped_count; i++)
    row[LAUNCHED_FIRST_SKIPPED + i] = result->skipped[i].step * 4096.0 + result->skipped[i].error;
}

/* The launch was reported, or could not be. A watched process is freed once its end was reported.
   The JavaScript thread; or any, instead of a report. */
static void finish_launched(struct completion *completion, int was_told) {
  struct process *process = OWNER(struct process, launched, completion);
  if (process->child.launch.step == START_LAUNCHED) {
    if (process->watched != WATCH_NONE && process->watched != WATCH_OWN)
      return;
    if (!was_told) {
      /* The caller that was to reap it is gone. */
      reap_list(&process->child, 0);
      reap_watch(&process->child);
      return;
    }
    if (process->watched == WATCH_OWN) {
      reap_list_own(&process->child);
      return;
    }
    if (process->child.launch.pidfd >= 0)
      owned_add(environment_owned(process->child.environment), process->child.launch.pidfd);
    process->child.launch.pidfd = -1; /* the JavaScript thread's, from now on */
  }
  process_free(process);
}

static void discard_launched(struct completion *completion) {
  struct process *process = OWNER(struct process, launched, completion);
  /* No code is left to release it. reap_forget may have looked before this child was listed. */
  if (process->child.launch.step == START_LAUNCHED && process->watched == WATCH_HOLD)
    reap_unpin(process->child.environment, process->child.token);
  finish_launched(completion, 0);
}

static const struct completion_type launched_type = {
    .kind = COMPLETION_LAUNCHED,
    .write = write_launched,
    .finish = finish_launched,
    .discard = discard_launched,
};

static void free_child(struct child *child) {
  process_free(OWNER(struct process, child, child));
}

struct process *process_create(struct environment *environment, size_t size, uint32_t close_count) {
  struct process *process = failpoint(FAILPOINT_MEMORY) == 0 ? calloc(1, sizeof *process) : NULL;
  if (process == NULL)
    return NULL;
  process->bytes = malloc(program_allocation(size));
  process->close_fds = malloc((close_count + 1) * sizeof(int));
  process->child.launch.pidfd = -1;
  process->child.free = free_child;
  process->child.environment = environment;
  process->request.run = run_request;
  process->request.refuse = refuse_request;
  process->lock.mode = FORK_LOCK_LAUNCH;
  process->lock.granted = lock_granted;
  process->launched.type = &launched_type;
  process->flight.environment = environment;
  process->flight.program = &process->program;
  environment_retain(environment);
  if (process->bytes != NULL && process->close_fds != NULL)
    return process;
  process_free(process);
  return NULL;
}

static void free_program(struct process *process) {
  for (uint32_t i = 0; i < process->close_count; i++)
    close(process->close_fds[i]);
  process->close_count = 0;
  free(process->close_fds);
  process->close_fds = NULL;
  free(process->bytes);
  process->bytes = NULL;
}

void process_free(struct process *process) {
  free_program(process);
  if (process->child.launch.pidfd >= 0)
    close(process->child.launch.pidfd);
  environment_release(process->child.environment);
  free(process);
}

/* The fork lock is held until here. */
static void unlock(struct process *process) {
  if (process->locked)
    fork_lock_release(FORK_LOCK_LAUNCH);
  process->locked = 0;
}

/* Runs the program, with the fork lock held until then. Suspended until execve. Returns whether
   there is a child whose end is to be reported. */
static int launch_now(struct process *process) {
  launch_start(&process->flight, &process->child.launch);
  unlock(process);
  /* Now, and not when JavaScript hears of it: a reader waits for the last writer to close. */
  free_program(process);
  int is_watched = process->watched == WATCH_REAP || process->watched == WATCH_HOLD;
  int watched = process->child.launch.step == START_LAUNCHED && is_watched;
  if (watched)
    reap_list(&process->child, process->watched == WATCH_HOLD);
  return watched;
}

/* The fork lock is there: the request goes to the threads again. Any thread. */
static void lock_granted(struct lock_wait *wait) {
  struct process *process = OWNER(struct process, lock, wait);
  process->locked = 1;
  launchers_request(process->launchers, &process->request);
}

/* There will be no child. Any thread. */
static void refuse_request(struct request *request, int error) {
  struct process *process = OWNER(struct process, request, request);
  flight_end(&process->flight);
  unlock(process);
  free_program(process);
  process->child.launch = (struct launch_result){.step = START_CLONE, .error = error, .pidfd = -1};
  environment_deliver(process->child.environment, &process->launched);
  environments_wake();
}

/* A launching thread. */
static void run_request(struct request *request) {
  struct process *process = OWNER(struct process, request, request);
  /* Nothing waits here: the lock's queue calls back when it is granted. */
  if (!process->locked && !fork_lock_acquire(&process->lock))
    return;
  process->locked = 1;
  if (environment_is_closed(process->child.environment)) {
    flight_end(&process->flight); /* a program that nothing would await is not started */
    unlock(process);
    process_free(process);
    return;
  }
  int watched = launch_now(process);
  /* Before its end can be. Unless that is still to be reported, the process may be freed now. */
  environment_deliver(process->child.environment, &process->launched);
  if (watched)
    reap_watch(&process->child);
  environments_wake();
}

/* What a launch needs of the thread that launches. */
static enum launchers launchers_for(const struct process *process, int traced) {
  if (traced)
    return LAUNCHERS_TRACER;
  return process->program.pid_namespace >= 0 ? LAUNCHERS_JOINERS : LAUNCHERS_ANY;
}

int process_launch(struct process *process, int traced) {
  int error = watcher_start();
  if (error != 0) {
    process_free(process);
    return error;
  }
  process->launchers = launchers_for(process, traced);
  process->flight.token = process->child.token;
  flight_begin(&process->flight);
  launchers_request(process->launchers, &process->request);
  return 0;
}

/* The JavaScript thread waits for the fork lock. */
struct own_lock {
  struct lock_wait wait; /* first, so that it is found by it */
  struct latch granted;
};

/* Any thread. */
static void own_lock_granted(struct lock_wait *wait) {
  latch_open(&((struct own_lock *)wait)->granted);
}

int process_may_launch_here(const struct process *process) {
  return thread_is_first() && process->program.pid_namespace < 0;
}

int process_launch_here(struct process *process, double *row) {
  struct own_lock lock = {{.mode = FORK_LOCK_LAUNCH, .granted = own_lock_granted}, LATCH};
  int error = watcher_start();
  if (error != 0) {
    process_free(process);
    return error;
  }
  if (!fork_lock_acquire(&lock.wait))
    latch_wait(&lock.granted);
  process->locked = 1;
  process->flight.token = process->child.token;
  flight_begin(&process->flight);
  if (launch_now(process))
    reap_watch(&process->child);
  /* A watched process that has ended already is freed once its end is taken, on this thread. */
  write_launched(&process->launched, row, NULL);
  finish_launched(&process->launched, 1);
  return 0;
}

static int is_launch(struct completion *completion, double token) {
  return OWNER(struct process, launched, completion)->child.token == token;
}

int process_await(struct environment *environment, double token, int milliseconds, double *row) {
  struct completion *launched =
      environment_await(environment, COMPLETION_LAUNCHED, is_launch, token, milliseconds);
  if (launched == NULL)
    return 0;
  write_launched(launched, row, NULL);
  finish_launched(launched, 1);
  return 1;
}

int32_t process_cancel(struct environment *environment, double token, int error) {
  int32_t step;
  struct flight *flight = flight_cancel(environment, token, error, &step);
  if (flight == NULL)
    return step;
  struct process *process = OWNER(struct process, flight, flight);
  /* Else it is on its way to a launching thread, which will see that it was given up. */
  int waited =
      launchers_cancel(process->launchers, &process->request) || fork_lock_cancel(&process->lock);
  flight_unlock();
  if (waited)
    refuse_request(&process->request, error);
  return step;
}
