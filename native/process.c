#define _GNU_SOURCE
#include "process.h"
#include "calls_linux.h"
#include "thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_PIDFD 3 /* P_PIDFD, missing in the headers of older systems */

/* pidfd_info of <linux/pidfd.h> as Linux 6.15 has it, and the ioctl that fills it in. */
struct exit_info {
  uint64_t mask, cgroup;
  uint32_t ids[11];
  int32_t exit_code;
  uint32_t coredump[2];
};
#define EXIT_INFO_MASK 8u /* PIDFD_INFO_EXIT */
#define EXIT_INFO_REQUEST _IOWR(0xFF, 11, struct exit_info)

struct launch_waiter {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int done;
};

#define OWNER(member, pointer)                                                                     \
  ((struct process *)(void *)((char *)(pointer)-offsetof(struct process, member)))

static void pidfd_ready(struct watch *watch, uint32_t events);
static void run_request(struct request *request);
static void lock_granted(struct lock_wait *wait);

/* The end of a process that nobody awaits. Any thread. */
static void discard_exited(struct completion *completion) {
  process_free(completion->owner);
}

/* The beginning of one: while it runs, its exit is still to come. Any thread. */
static void discard_launched(struct completion *completion) {
  struct process *process = completion->owner;
  if (process->result.step != LAUNCHED) {
    process_free(process);
  } else if (!process->watched) {
    process_adopt(process);
  }
}

void process_adopt(struct process *process) {
  process->watched = 1;
  events_add(process->result.pidfd, &process->watch);
}

struct process *process_create(struct environment *environment, size_t size, uint32_t close_count) {
  struct process *process = calloc(1, sizeof *process);
  if (process == NULL)
    return NULL;
  process->bytes = malloc(program_allocation(size));
  process->close_fds = malloc((close_count + 1) * sizeof(int));
  process->result.pidfd = -1;
  process->watch.ready = pidfd_ready;
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
  /* Adding fails only for want of kernel memory; the process then runs on without a report. */
  if (process->result.step == LAUNCHED && process->watched)
    events_add(process->result.pidfd, &process->watch);
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

/* What the kernel still knows of a process that somebody else reaped (Linux 6.15 on). */
static void recover_status(struct process *process) {
  struct exit_info info = {.mask = EXIT_INFO_MASK};
  if (ioctl(process->result.pidfd, EXIT_INFO_REQUEST, &info) != 0 ||
      (info.mask & EXIT_INFO_MASK) == 0)
    return;
  int signal = info.exit_code & 0x7f;
  process->code = signal == 0 ? CLD_EXITED : (info.exit_code & 0x80) ? CLD_DUMPED : CLD_KILLED;
  process->status = signal == 0 ? (info.exit_code >> 8) & 0xff : signal;
}

/* Reaps the process. The spawner's thread only. */
static void pidfd_ready(struct watch *watch, uint32_t events) {
  (void)events;
  struct process *process = OWNER(watch, watch);
  siginfo_t info = {0};
  long result;
  do {
    result = CALL(SYS_waitid, WAIT_PIDFD, process->result.pidfd, (long)&info, WEXITED | WNOHANG,
                  (long)&process->usage);
  } while (result == -EINTR);
  if (result == 0 && info.si_pid == 0)
    return; /* not yet */
  process->wall_time = monotonic_microseconds() - process->result.started;
  if (result == 0) {
    process->code = info.si_code;
    process->status = info.si_status;
  } else {
    recover_status(process);
  }
  events_remove(process->result.pidfd);
  environment_deliver(process->environment, &process->exited);
}
