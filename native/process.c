#include "process.h"
#include "spawner.h"
#include "thread.h"

#include <stdlib.h>
#include <unistd.h>

static void run_request(struct request *request);
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
    if (process->watched != WATCH_NONE)
      return;
    if (!was_told) {
      reap_watch(&process->child, 0); /* the caller that was to reap it is gone */
      return;
    }
    process->child.launch.pidfd = -1; /* JavaScript's, from now on */
  }
  process_free(process);
}

static void discard_launched(struct completion *completion) {
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
  struct process *process = calloc(1, sizeof *process);
  if (process == NULL)
    return NULL;
  process->bytes = malloc(program_allocation(size));
  process->close_fds = malloc((close_count + 1) * sizeof(int));
  process->child.launch.pidfd = -1;
  process->child.free = free_child;
  process->child.environment = environment;
  process->request.run = run_request;
  process->lock.mode = FORK_LOCK_LAUNCH;
  process->lock.granted = lock_granted;
  process->launched.type = &launched_type;
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

/* Runs the program, with the fork lock held until then, and watches what became of it. Suspended
   until execve. */
static void launch_here(struct launch_stack *stack, struct process *process) {
  launch_start(stack, &process->program, &process->child.launch);
  fork_lock_release(FORK_LOCK_LAUNCH);
  /* Now, and not when JavaScript hears of it: a reader waits for the last writer to close. */
  free_program(process);
  if (process->child.launch.step == START_LAUNCHED && process->watched != WATCH_NONE)
    reap_watch(&process->child, process->watched == WATCH_HOLD);
}

/* The fork lock is there: the request goes to the spawner again. Any thread. */
static void lock_granted(struct lock_wait *wait) {
  struct process *process = OWNER(struct process, lock, wait);
  process->locked = 1;
  spawner_request(&process->request);
}

/* The spawner's thread only. */
static void run_request(struct request *request) {
  static struct launch_stack stack;
  struct process *process = OWNER(struct process, request, request);
  /* Nothing waits here: the lock's queue calls back when it is granted. */
  if (!process->locked && !fork_lock_acquire(&process->lock))
    return;
  struct latch *waiter = process->waiter;
  if (waiter != NULL) {
    launch_here(&stack, process);
    latch_open(waiter);
  } else if (environment_is_closed(process->child.environment)) {
    process_free(process); /* a program that nothing would await is not started */
    fork_lock_release(FORK_LOCK_LAUNCH);
  } else {
    launch_here(&stack, process);
    environment_deliver(process->child.environment, &process->launched);
  }
}

int process_launch(struct process *process) {
  int error = spawner_start();
  if (error == 0)
    spawner_request(&process->request);
  else
    process_free(process);
  return error;
}

/* The fork lock is there for a launch on the main thread. Any thread. */
static void lock_granted_here(struct lock_wait *wait) {
  latch_open(OWNER(struct process, lock, wait)->waiter);
}

int process_launch_sync(struct process *process, int on_spawner, double *row) {
  static struct launch_stack stack; /* the main thread's */
  struct latch waiter = LATCH;
  int error = spawner_start();
  if (error != 0) {
    process_free(process);
    return error;
  }
  process->waiter = &waiter;
  if (!on_spawner && thread_is_first()) {
    process->lock.granted = lock_granted_here;
    if (!fork_lock_acquire(&process->lock))
      latch_wait(&waiter);
    launch_here(&stack, process);
  } else {
    spawner_request(&process->request);
    latch_wait(&waiter);
  }
  /* A watched process that has ended already is freed once its end is taken, on this thread. */
  write_launched(&process->launched, row, NULL);
  finish_launched(&process->launched, 1);
  return 0;
}
