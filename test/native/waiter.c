/*
 * What native/waiter_linux.c says of children, more of them than it has threads: waiter ends after
 * each was told of once, by then had ended, and was still there to be reaped.
 */
#define _GNU_SOURCE
#include "waiter.h"

#include <assert.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILDREN (3 * WAITER_MAX_THREADS)

struct child {
  struct child_wait wait; /* first, so that it is found by it */
  atomic_int told;
};

static atomic_int told;

static int is_zombie(pid_t pid) {
  siginfo_t info = {0};
  return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

static void child_ended(struct child_wait *wait) {
  struct child *child = (void *)wait;
  assert(is_zombie(wait->pid));
  atomic_fetch_add(&child->told, 1);
  atomic_fetch_add(&told, 1);
}

/* A child that lives until the pipe is closed, or ends at once. */
static pid_t start(const int pipe_ends[2], int lives, int traced) {
  pid_t pid = fork();
  assert(pid >= 0);
  if (pid > 0)
    return pid;
  char byte;
  close(pipe_ends[1]);
  if (traced) {
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGSTOP);
  }
  while (lives && read(pipe_ends[0], &byte, 1) > 0) {
  }
  _exit(7);
}

static void expect_told(int count) {
  for (int i = 0; atomic_load(&told) != count; i++) {
    assert(i < 3000);
    usleep(10000);
  }
}

/* The address space of this process. */
static size_t mapped_bytes(void) {
  size_t pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  assert(file != NULL && fscanf(file, "%zu", &pages) == 1);
  fclose(file);
  return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void reap(pid_t pid) {
  int status;
  assert(waitpid(pid, &status, 0) == pid);
  assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

int main(void) {
  static struct child children[CHILDREN];
  int ends[2];
  assert(pipe(ends) == 0);
  assert(waiter_start() == 0 && waiter_start() == 0);

  /* Somebody else's children, one of them a zombie that nobody takes: not to be told of. */
  pid_t others = start(ends, 0, 0);
  while (!is_zombie(others))
    usleep(1000);
  pid_t running = start(ends, 1, 0);

  /* A third ends at once, before it is even added. */
  int early = 0;
  size_t mapped = mapped_bytes();
  for (int i = 0; i < CHILDREN; i++) {
    children[i].wait = (struct child_wait){.pid = start(ends, i % 3 != 0, 0), .ended = child_ended};
    early += i % 3 == 0;
  }
  for (int i = 0; i < CHILDREN; i++)
    waiter_add(&children[i].wait);
  expect_told(early);
  usleep(50000);
  assert(atomic_load(&told) == early);
  /* Stacks of the size that threads have by default would be 8 MiB each. */
  assert(mapped_bytes() - mapped < (size_t)WAITER_MAX_THREADS << 20);

  close(ends[1]);
  expect_told(CHILDREN);
  for (int i = 0; i < CHILDREN; i++) {
    assert(atomic_load(&children[i].told) == 1);
    reap(children[i].wait.pid);
  }
  reap(others);
  reap(running);

  /* A stop that is its tracer's to take is no end, and is still there for the tracer. */
  assert(pipe(ends) == 0);
  struct child traced = {0};
  traced.wait = (struct child_wait){.pid = start(ends, 1, 1), .ended = child_ended};
  waiter_add(&traced.wait);
  usleep(50000);
  int status;
  assert(atomic_load(&traced.told) == 0);
  assert(waitpid(traced.wait.pid, &status, 0) == traced.wait.pid && WIFSTOPPED(status));
  assert(ptrace(PTRACE_CONT, traced.wait.pid, NULL, NULL) == 0);
  close(ends[1]);
  expect_told(CHILDREN + 1);
  reap(traced.wait.pid);

  puts("ok");
  return 0;
}
