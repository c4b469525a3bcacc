#define _GNU_SOURCE /* Linux: chroot */
#include "exec.h"
#include "calls_posix.h"
#include "descriptors_posix.h"
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef NSIG
#define NSIG 65
#endif

/*
 * There is no thread with descriptors, a directory and a mask of its own: the program runs on the
 * calling thread, and what it changed is put back. For that time, microseconds, other threads see
 * it. Identity and session can't be put back.
 */

/* What a descriptor was before. */
struct before {
  int flags; /* of fcntl(2), F_GETFD; -1: it was closed */
  int copy;  /* of one whose number the program uses, else -1 */
};

struct state {
  int count; /* of descriptors */
  struct before *descriptors;
  int directory, root;
  mode_t mask;
  sigset_t signals;
  struct sigaction actions[NSIG];
};

/* Returns 0 or a positive errno, and then there is nothing to free. */
static int save(struct state *state, const struct program *program) {
  state->count = highest_descriptor() + 1;
  state->descriptors = calloc((size_t)state->count, sizeof *state->descriptors);
  if (state->descriptors == NULL)
    return ENOMEM;
  for (int fd = 0; fd < state->count; fd++) {
    struct before *before = &state->descriptors[fd];
    before->flags = fcntl(fd, F_GETFD);
    /* Above all others, so that no number of the program's is taken. */
    before->copy = before->flags >= 0 && program_uses(program, fd)
                       ? fcntl(fd, F_DUPFD_CLOEXEC, state->count)
                       : -1;
  }
  state->directory = open(".", O_RDONLY | O_CLOEXEC);
  state->root = open("/", O_RDONLY | O_CLOEXEC);
  state->mask = umask(0);
  umask(state->mask);
  for (int number = 1; number < NSIG; number++)
    sigaction(number, NULL, &state->actions[number]);
  return 0;
}

/* Closes what the program opened for itself and had not closed when it failed. */
static void close_opened(const struct program *program, int32_t failed) {
  for (int32_t i = 0; i < failed && i < (int32_t)program->count; i++) {
    const struct instruction *opened = &program->instructions[i];
    int opens =
        opened->number == POSIX_CALL_openat ||
        (opened->number == POSIX_CALL_fcntl && opened->arguments[1] == (uint64_t)F_DUPFD_CLOEXEC);
    if (!opens || INSTRUCTION_MODE(opened) != MODE_STORE)
      continue;
    const unsigned char *slot = program->data + opened->skip;
    int closed = 0;
    for (int32_t j = i + 1; !closed && j < failed; j++) {
      const struct instruction *at = &program->instructions[j];
      closed = at->number == POSIX_CALL_close && at->arguments[0] == (uint64_t)(uintptr_t)slot;
    }
    if (!closed)
      close((int)*(const uint64_t *)(const void *)slot);
  }
}

static void restore(struct state *state, const struct program *program, int32_t failed) {
  close_opened(program, failed);
  for (int fd = 0; fd < state->count; fd++) {
    struct before *before = &state->descriptors[fd];
    if (before->copy >= 0) {
      dup2(before->copy, fd);
      close(before->copy);
    } else if (before->flags < 0 && program_uses(program, fd)) {
      close(fd);
    }
    if (before->flags >= 0)
      fcntl(fd, F_SETFD, before->flags);
  }
  /* Out of a new root, if there is the privilege still. */
  if (state->root >= 0 && fchdir(state->root) == 0)
    (void)!chroot(".");
  if (state->directory >= 0)
    (void)!fchdir(state->directory);
  close(state->root);
  close(state->directory);
  umask(state->mask);
  for (int number = 1; number < NSIG; number++)
    sigaction(number, &state->actions[number], NULL);
  free(state->descriptors);
}

struct failure exec_in_place(const struct program *program) {
  struct state state;
  struct report report = {.failure.step = START_LAUNCHED};
  struct child_start start = {.program = program, .report = &report, .reset_handlers = 1};
  int error = save(&state, program);
  if (error != 0)
    return (struct failure){START_CLONE, error};
  start.highest_fd = state.count - 1;
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &state.signals);
  struct failure failure = launch_run(&start);
  restore(&state, program, failure.step);
  pthread_sigmask(SIG_SETMASK, &state.signals, NULL);
  return failure;
}
