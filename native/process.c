#define _GNU_SOURCE
#include "process.h"
#include "reap.h"
#include "thread.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct launch_waiter {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int done;
};

#define OWNER(member, pointer)                                                                     \
  ((struct process *)(void *)((char *)(pointer)-offsetof(struct process, member)))

static void run_request(struct request *request);
static void lock_granted(struct lock_wait *wait);

/* The end of a process that nobody awaits. Any thread. */
static void discard_exited(struct completion *completion) {
  reap_release(completion->owner);
}

/* The beginning of one: while it runs, its exit is still to come. Any thread. */
static void discard_launched(struct completion *completion) {
  struct process *process = completion->owner;
  if (process->result.step != START_LAUNCHED) {
    process_free(process);
  } else if (!process->watched) {
    reap_watch(process); /* whoever wanted to reap it is gone */
  }
}

struct process *process_create(struct environment *environment, size_t size, uint32_t close_count) {
  struct process *process = calloc(1, sizeof *process);
  if (process == NULL)
    return NULL;
  process->bytes = malloc(program_allocation(size));
  process->close_fds = malloc((close_count + 1) * sizeof(int));
  process->result.pidfd = -1;
  process->request.run = run_request;
  process->lock.mode = LOCK_LAUNCH;
  process->lock.granted = lock_granted;
  process->launched = (struct completion){
      .kind = COMPLETION_LAUNCHED, .owner = process, .discard = discard_launched};
  process->exited =
      (struct completion){.kind = COMPLETION_EXITED, .owner = process, .discard = discard_exited};
  process->environment = environment;
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
  if (process->result.pidfd >= 0)
    close(process->result.pidfd);
  environment_release(process->environment);
  free(process);
}

/* Runs the program, with the fork lock held until then, and watches what became of it. Suspended
   until execve. */
static void launch_here(struct launch_stack *stack, struct process *process) {
  launch_start(stack, &process->program, &process->result);
  fork_lock_release(LOCK_LAUNCH);
  /* Now, and not when JavaScript hears of it: a reader waits for the last writer to close. */
  free_program(process);
  if (process->result.step == START_LAUNCHED && process->watched)
    reap_watch(process);
}

/* Calls back when the launch is over, or its lock is granted. Any thread but the one that waits. */
static void waiter_done(struct launch_waiter *waiter) {
  pthread_mutex_lock(&waiter->lock);
  waiter->done = 1;
  pthread_cond_signal(&waiter->changed);
  pthread_mutex_unlock(&waiter->lock);
}

static void waiter_wait(struct launch_waiter *waiter) {
  pthread_mutex_lock(&waiter->lock);
  while (!waiter->done)
    pthread_cond_wait(&waiter->changed, &waiter->lock);
  pthread_mutex_unlock(&waiter->lock);
}

/* The fork lock is there: the request goes to the spawner again. Any thread. */
static void lock_granted(struct lock_wait *wait) {
  struct process *process = OWNER(lock, wait);
  process->locked = 1;
  spawner_request(&process->request);
}

/* The spawner's thread only. */
static void run_request(struct request *request) {
  static struct launch_stack stack;
  struct process *process = OWNER(request, request);
  /* Nothing waits here: whoever is in the lock's way is waited for by the lock's queue. */
  if (!process->locked && !fork_lock_acquire(&process->lock))
    return;
  struct launch_waiter *waiter = process->waiter;
  if (waiter != NULL) {
    launch_here(&stack, process);
    waiter_done(waiter);
  } else if (environment_is_closed(process->environment)) {
    process_free(process); /* a program that nobody would await is not started */
    fork_lock_release(LOCK_LAUNCH);
  } else {
    launch_here(&stack, process);
    environment_deliver(process->environment, &process->launched);
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

/* The fork lock is there for a launch on the main thread. */
static void lock_granted_here(struct lock_wait *wait) {
  waiter_done(OWNER(lock, wait)->waiter);
}

/* The main thread only; waits for the fork lock. */
static void launch_on_main_thread(struct process *process) {
  static struct launch_stack stack;
  struct launch_waiter waiter = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
  process->waiter = &waiter;
  process->lock.granted = lock_granted_here;
  if (!fork_lock_acquire(&process->lock))
    waiter_wait(&waiter);
  launch_here(&stack, process);
}

int process_launch_sync(struct process *process, int on_spawner) {
  int error = spawner_start();
  if (error != 0) {
    process_free(process);
    return error;
  }
  if (!on_spawner && thread_is_first()) {
    launch_on_main_thread(process);
    return 0;
  }
  struct launch_waiter waiter = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
  process->waiter = &waiter;
  spawner_request(&process->request);
  waiter_wait(&waiter);
  return 0;
}
