#define _GNU_SOURCE
#include "signal_order.h"
#include "signal_ring.h"
#include "thread.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define PATIENCE_MS 1000
#define INTERVAL_MS 50

/* The request: what is sent along is its address. */
static struct {
  pthread_mutex_t lock; /* of the threads that ask; the handler does without */
  atomic_ullong set;
  atomic_int answers;
} request = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* The signals that only the first thread takes. */
static atomic_ullong confined;
/* And those that it was made to block itself. */
static atomic_ullong first_blocks;

static uint64_t bit_of(int number) {
  return (uint64_t)1 << (number - 1);
}

/* Signal context. */
static void block_from_here(uint64_t set, void *context) {
  for (int number = 1; context != NULL && number <= SIGNAL_LAST; number++) {
    if ((set & bit_of(number)) != 0)
      sigaddset(&((ucontext_t *)context)->uc_sigmask, number);
  }
}

int order_handle(int number, const siginfo_t *info, void *context) {
  if (number == ORDER_CARRIER && info->si_code == SI_QUEUE && info->si_pid == getpid() &&
      info->si_value.sival_ptr == &request) {
    block_from_here(atomic_load(&request.set), context);
    atomic_fetch_add(&request.answers, 1);
    return 1;
  }
  if (number >= SIGRTMIN && (atomic_load(&confined) & bit_of(number)) != 0 && !thread_is_first())
    block_from_here(bit_of(number), context);
  return 0;
}

void order_first_changed(uint64_t set, int block) {
  if (block)
    atomic_fetch_or(&first_blocks, set);
  else
    atomic_fetch_and(&first_blocks, ~set);
}

uint64_t order_blocked_here(void) {
  if (thread_is_first())
    return 0;
  return atomic_load(&confined) & ~atomic_load(&first_blocks);
}

/*
 * The signals that a thread of this process blocks, all when it has ended, and its number for
 * system calls, which is the last that NSpid has: /proc may belong to another pid namespace.
 */
static uint64_t mask_of(const char *task, long *number) {
  char path[64], line[128];
  unsigned long long set = ~0ull;
  snprintf(path, sizeof path, "/proc/self/%s/status", task);
  FILE *file = fopen(path, "re");
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    if (strncmp(line, "Pid:", 4) == 0 || strncmp(line, "NSpid:", 6) == 0)
      *number = strtol(strrchr(line, '\t'), NULL, 10);
    if (sscanf(line, "SigBlk: %llx", &set) == 1)
      break;
  }
  if (file != NULL)
    fclose(file);
  return set;
}

int order_first_blocks(int number) {
  long first;
  return (mask_of(".", &first) & bit_of(number)) != 0;
}

static int ask(long thread) {
  siginfo_t info;
  memset(&info, 0, sizeof info);
  info.si_signo = ORDER_CARRIER;
  info.si_code = SI_QUEUE;
  info.si_pid = getpid();
  info.si_uid = getuid();
  info.si_value.sival_ptr = &request;
  return syscall(SYS_rt_tgsigqueueinfo, getpid(), thread, ORDER_CARRIER, &info) == 0;
}

static long milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Asks all threads but the first that do not block them yet; returns how many will answer. */
static int ask_all(uint64_t set) {
  int asked = 0;
  const struct dirent *entry;
  DIR *tasks = opendir("/proc/self/task");
  while (tasks != NULL && (entry = readdir(tasks)) != NULL) {
    char task[24];
    long thread = 0;
    snprintf(task, sizeof task, "task/%.16s", entry->d_name);
    uint64_t mask = mask_of(task, &thread);
    if (thread <= 0 || thread == getpid())
      continue;
    if ((mask & set) != set && (mask & bit_of(ORDER_CARRIER)) == 0)
      asked += ask(thread);
  }
  if (tasks != NULL)
    closedir(tasks);
  return asked;
}

void order_confine(uint64_t set) {
  pthread_mutex_lock(&request.lock);
  atomic_fetch_or(&confined, set);
  atomic_store(&request.set, set);
  atomic_store(&request.answers, 0);
  int asked = ask_all(set);
  long now = milliseconds(), end = now + PATIENCE_MS, look = now + INTERVAL_MS;
  while (atomic_load(&request.answers) < asked && now < end) {
    sched_yield();
    now = milliseconds();
    if (now < look)
      continue;
    /* A thread that ended meanwhile does not answer; one that waits for a processor will. */
    if (ask_all(set) == 0)
      break;
    look = now + INTERVAL_MS;
  }
  pthread_mutex_unlock(&request.lock);
}

int order_applies(int number) {
  return number >= SIGRTMIN;
}

void order_send_again(int number, siginfo_t *info) {
  syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), number, info);
}
