#define _GNU_SOURCE
#include "signal_order.h"

#include <dirent.h>
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

#define PATIENCE_MS 50

/* The requests: what is sent along is the address of its number's entry. */
static struct request_mark { atomic_int answers; } marks[65];

/* The real-time signals that only the first thread takes. */
static atomic_ullong confined;

static uint64_t bit_of(int number) {
  return (uint64_t)1 << (number - 1);
}

/* Signal context. */
static void block_from_here(int number, void *context) {
  if (context != NULL)
    sigaddset(&((ucontext_t *)context)->uc_sigmask, number);
}

int order_handle(int number, const siginfo_t *info, void *context) {
  if (number == ORDER_CARRIER && info->si_code == SI_QUEUE) {
    uintptr_t offset = (uintptr_t)info->si_value.sival_ptr - (uintptr_t)marks;
    if (offset < sizeof marks && offset % sizeof *marks == 0 && info->si_pid == getpid()) {
      size_t index = offset / sizeof *marks;
      block_from_here((int)index, context);
      atomic_fetch_add(&marks[index].answers, 1);
      return 1;
    }
  }
  if (number >= SIGRTMIN && (atomic_load(&confined) & bit_of(number)) != 0 &&
      syscall(SYS_gettid) != getpid())
    block_from_here(number, context);
  return 0;
}

uint64_t order_blocked_here(void) {
  return syscall(SYS_gettid) == getpid() ? 0 : atomic_load(&confined);
}

/* The signals that a thread of this process blocks; all when it has ended. */
static uint64_t mask_of(long thread) {
  char path[64], line[128];
  unsigned long long set = ~0ull;
  snprintf(path, sizeof path, "/proc/self/task/%ld/status", thread);
  FILE *file = fopen(path, "re");
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    if (sscanf(line, "SigBlk: %llx", &set) == 1)
      break;
  }
  if (file != NULL)
    fclose(file);
  return set;
}

static int request(long thread, int number) {
  siginfo_t info;
  memset(&info, 0, sizeof info);
  info.si_signo = ORDER_CARRIER;
  info.si_code = SI_QUEUE;
  info.si_pid = getpid();
  info.si_uid = getuid();
  info.si_value.sival_ptr = &marks[number];
  return syscall(SYS_rt_tgsigqueueinfo, getpid(), thread, ORDER_CARRIER, &info) == 0;
}

static long milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void order_confine(int number) {
  /* Where the first thread blocks it the others have to take it. */
  if ((mask_of(getpid()) & bit_of(number)) != 0) {
    atomic_fetch_and(&confined, ~bit_of(number));
    return;
  }
  atomic_fetch_or(&confined, bit_of(number));
  DIR *tasks = opendir("/proc/self/task");
  if (tasks == NULL)
    return;
  int sent = 0;
  atomic_store(&marks[number].answers, 0);
  const struct dirent *entry;
  while ((entry = readdir(tasks)) != NULL) {
    long thread = strtol(entry->d_name, NULL, 10);
    if (thread <= 0 || thread == getpid() ||
        (mask_of(thread) & (bit_of(number) | bit_of(ORDER_CARRIER))) != 0)
      continue;
    sent += request(thread, number);
  }
  closedir(tasks);
  /* A thread that ended meanwhile, or that sleeps where no signal wakes it, does not answer. */
  for (long deadline = milliseconds() + PATIENCE_MS;
       atomic_load(&marks[number].answers) < sent && milliseconds() < deadline;)
    sched_yield();
}
