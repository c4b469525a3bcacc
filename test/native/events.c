/*
 * What native/events.h promises, of whichever file implements it: on Linux events_linux.c, and
 * events_posix.c above the kqueue(2) of test/helpers/kqueue.
 */
#define _GNU_SOURCE
#include "events.h"
#include "waiter.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the rest of the library has. */
int fd_above_stdio(int fd);
int stdio_hold(void);
void stdio_release(int held);
int fd_above_stdio(int fd) {
  return fd;
}
int stdio_hold(void) {
  return 0;
}
void stdio_release(int held) {
  (void)held;
}

/* events.h hands them back, and does not call. */
static struct watch watches[4];

/* What is reported about one watch; nothing about another. 0 for nothing. */
static uint32_t reported(const struct watch *watch) {
  struct event events[EVENTS_AT_ONCE];
  int count = events_wait(events, 0);
  assert(count == 0 || (count == 1 && events[0].watch == watch));
  return count == 0 ? 0 : events[0].events;
}

static void readable_as_long_as_it_is(void) {
  int fds[2];
  char byte;
  assert(pipe(fds) == 0 && events_add(fds[0], &watches[0]) == 0);
  assert(reported(&watches[0]) == 0);
  assert(write(fds[1], "x", 1) == 1);
  assert(reported(&watches[0]) == EVENT_READ && reported(&watches[0]) == EVENT_READ);
  assert(read(fds[0], &byte, 1) == 1 && reported(&watches[0]) == 0);
  events_remove(fds[0]);
  close(fds[0]);
  close(fds[1]);
}

static void once_for_each_arming(void) {
  int fds[2];
  assert(pipe(fds) == 0 && events_add_idle(fds[0], &watches[0]) == 0);
  assert(write(fds[1], "x", 1) == 1 && reported(&watches[0]) == 0);
  for (int i = 0; i < 3; i++) {
    assert(events_arm(fds[0], EVENT_READ, &watches[0]) == 0);
    assert(reported(&watches[0]) == EVENT_READ && reported(&watches[0]) == 0);
  }
  /* An arming that replaces another is the only one. */
  assert(events_arm(fds[0], EVENT_READ, &watches[0]) == 0);
  assert(events_arm(fds[0], EVENT_READ, &watches[1]) == 0);
  assert(reported(&watches[1]) == EVENT_READ && reported(&watches[1]) == 0);
  assert(events_arm(fds[0], EVENT_READ, &watches[0]) == 0);
  events_remove(fds[0]);
  assert(reported(&watches[0]) == 0);
  close(fds[0]);
  close(fds[1]);
}

static void the_end_is_readable(void) {
  int fds[2];
  assert(pipe(fds) == 0 && events_add_idle(fds[0], &watches[0]) == 0);
  assert(events_arm(fds[0], EVENT_READ, &watches[0]) == 0 && reported(&watches[0]) == 0);
  close(fds[1]);
  assert((reported(&watches[0]) & (EVENT_READ | EVENT_HANG_UP)) != 0);
  assert(reported(&watches[0]) == 0);
  events_remove(fds[0]);
  close(fds[0]);
}

static void fill(int fd) {
  static char bytes[4096];
  struct event events[EVENTS_AT_ONCE];
  while (events_arm(fd, EVENT_WRITE, &watches[0]) == 0 && events_wait(events, 0) == 1)
    assert(write(fd, bytes, sizeof bytes) == (ssize_t)sizeof bytes);
}

/* `early`: the reader is gone before the writing end is armed. */
static void hang_up(uint32_t wanted, int full, int early) {
  int fds[2];
  assert(pipe(fds) == 0 && events_add_idle(fds[1], &watches[0]) == 0);
  if (full)
    fill(fds[1]);
  if (early)
    close(fds[0]);
  assert(events_arm(fds[1], wanted, &watches[0]) == 0);
  if (!early) {
    assert(reported(&watches[0]) == 0);
    close(fds[0]);
  }
  assert((reported(&watches[0]) & (EVENT_ERROR | EVENT_HANG_UP)) != 0);
  assert(reported(&watches[0]) == 0);
  events_remove(fds[1]);
  close(fds[1]);
}

static void room_to_write(void) {
  int fds[2];
  char bytes[65536];
  assert(pipe(fds) == 0 && events_add_idle(fds[1], &watches[0]) == 0);
  /* Room alone is no hang-up, and a change of it is none. */
  assert(events_arm(fds[1], 0, &watches[0]) == 0 && reported(&watches[0]) == 0);
  fill(fds[1]);
  assert(events_arm(fds[1], 0, &watches[0]) == 0 && reported(&watches[0]) == 0);
  assert(read(fds[0], bytes, sizeof bytes) > 0 && reported(&watches[0]) == 0);
  assert(events_arm(fds[1], EVENT_WRITE, &watches[0]) == 0);
  assert(reported(&watches[0]) == EVENT_WRITE && reported(&watches[0]) == 0);
  events_remove(fds[1]);
  close(fds[0]);
  close(fds[1]);
}

static void both_directions_of_a_socket(void) {
  int fds[2];
  char byte;
  assert(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
  assert(events_add_idle(fds[0], &watches[0]) == 0 && write(fds[1], "x", 1) == 1);
  assert(events_arm(fds[0], EVENT_READ | EVENT_WRITE, &watches[0]) == 0);
  assert(reported(&watches[0]) == (EVENT_READ | EVENT_WRITE) && reported(&watches[0]) == 0);
  /* One of them is enough for the other to be reported no more. */
  assert(read(fds[0], &byte, 1) == 1);
  assert(events_arm(fds[0], EVENT_READ | EVENT_WRITE, &watches[0]) == 0);
  assert(reported(&watches[0]) == EVENT_WRITE);
  assert(write(fds[1], "x", 1) == 1 && reported(&watches[0]) == 0);
  events_remove(fds[0]);
  close(fds[0]);
  close(fds[1]);
}

static void what_is_not_open(void) {
  assert(events_add(1000, &watches[0]) != 0 && events_add_idle(1000, &watches[0]) != 0);
}

static void *write_later(void *fd) {
  usleep(50000);
  assert(write(*(int *)fd, "x", 1) == 1);
  return NULL;
}

static void waiting(void) {
  int fds[2];
  pthread_t thread;
  struct event event[EVENTS_AT_ONCE];
  assert(pipe(fds) == 0 && events_add(fds[0], &watches[0]) == 0);
  assert(pthread_create(&thread, NULL, write_later, &fds[1]) == 0);
  assert(events_wait(event, -1) == 1 && event[0].watch == &watches[0]);
  pthread_join(thread, NULL);
  events_remove(fds[0]);
  close(fds[0]);
  close(fds[1]);
}

#ifdef FORKEXEC_POSIX
static atomic_int ended;

static void child_ended(struct child_wait *wait) {
  int status;
  assert(waitpid(wait->pid, &status, WNOHANG) == wait->pid && WEXITSTATUS(status) == 7);
  ended++;
}

/* Of two children one ends, early or late; the other is taken by no one. */
static void end_of_a_process(int early) {
  int fds[2];
  char byte;
  assert(pipe(fds) == 0 && waiter_start() == 0);
  pid_t others = fork();
  if (others == 0)
    _exit(3);
  struct child_wait wait = {.pid = fork(), .ended = child_ended};
  if (wait.pid == 0) {
    close(fds[1]);
    _exit(read(fds[0], &byte, 1) == 0 ? 7 : 8);
  }
  int before = ended;
  siginfo_t info;
  if (early) {
    close(fds[1]);
    assert(waitid(P_PID, (id_t)wait.pid, &info, WEXITED | WNOWAIT) == 0);
  }
  waiter_add(&wait);
  if (!early) {
    assert(reported(NULL) == 0 && ended == before);
    close(fds[1]);
    struct event events[EVENTS_AT_ONCE];
    while (ended == before)
      assert(events_wait(events, -1) == 0);
  }
  assert(ended == before + 1 && reported(NULL) == 0);
  assert(waitid(P_PID, (id_t)others, &info, WEXITED) == 0 && info.si_status == 3);
  close(fds[0]);
}
#endif

int main(void) {
  assert(events_open() == 0);
  readable_as_long_as_it_is();
  once_for_each_arming();
  the_end_is_readable();
  for (int i = 0; i < 4; i++) {
    int full = i & 1, early = i >> 1;
    hang_up(0, full, early);
    hang_up(EVENT_WRITE, full || !early, early);
  }
  room_to_write();
  both_directions_of_a_socket();
  what_is_not_open();
  waiting();
#ifdef FORKEXEC_POSIX
  end_of_a_process(0);
  end_of_a_process(1);
#endif
  events_close();
  puts("ok");
  return 0;
}
