/*
 * `forkexec init`: a program's parent that waits for orphans, passes signals on, and leaves nothing
 * behind. A static file without a C library, since a JavaScript runtime as process 1 of each
 * container would weigh 40 MB. There is one thread, and all its signals are blocked and read from a
 * descriptor, so that nothing runs between two of its lines.
 */
#include "options.h"
#include "orphans.h"
#include "program.h"
#include "system.h"

#include <linux/signalfd.h>

#define OPEN_READ_WRITE 2
#define OPEN_NO_CONTROLLING_TERMINAL 0400
#define OPEN_NON_BLOCKING 04000
#define OPEN_CLOSE_ON_EXEC 02000000
#define AT_WORKING_DIRECTORY -100
#define TERMINAL_GET_GROUP 0x540F /* TIOCGPGRP */
#define CONTROL_DEATH_SIGNAL 1    /* PR_SET_PDEATHSIG */
#define CONTROL_SUBREAPER 36      /* PR_SET_CHILD_SUBREAPER */
#define CLOCK_STEADY 1            /* CLOCK_MONOTONIC */
#define POLL_READABLE 1

/* What waitid(2) is asked for, and how it calls the ways in which a child changes. */
enum { WAIT_ALL = 0, WAIT_NO_HANG = 1, WAIT_STOPPED = 2, WAIT_EXITED = 4 };
enum { CHANGE_EXITED = 1, CHANGE_STOPPED = 5 };

/* siginfo_t of a child, as the kernel has it on 64-bit systems. */
struct change {
  int32_t signal, error, how, unused;
  int32_t pid, uid, status;
  char rest[100];
};

/* Milliseconds between two looks at what is left: orphans of orphans come without a signal. */
#define LOOK_AGAIN 10

static struct {
  struct options options;
  int program;  /* its number; 0 once it has ended */
  int group;    /* of the program, and its number */
  int handle;   /* a pidfd of the program, which stays its own */
  int code;     /* that it ended with */
  int parent;   /* a descriptor for the parent, or -1 */
  int terminal; /* that controls this session, or -1 */
  int own_group;
  int signals;
  long deadline; /* when what is left is killed */
} init = {.parent = -1, .terminal = -1};

static long now(void) {
  struct {
    long seconds, nanoseconds;
  } time = {0, 0};
  CALL(SYS_clock_gettime, CLOCK_STEADY, (long)&time);
  return time.seconds * 1000 + time.nanoseconds / 1000000;
}

static void signal_program(int number) {
  if (number != 0 && init.program != 0)
    CALL(SYS_kill, init.options.group ? -init.group : init.program, number);
}

/* Whether a group has the foreground of the terminal. */
static int is_foreground(int group) {
  int its = -1;
  return init.terminal >= 0 &&
         CALL(SYS_ioctl, init.terminal, TERMINAL_GET_GROUP, (long)&its) == 0 && its == group;
}

/* Hands the foreground on, where it is the other's to hand on. */
static void hand_foreground(int from, int to) {
  if (is_foreground(from))
    set_foreground(init.terminal, to);
}

/* The program is stopped: a shell that waits for this process is to see that its job is. */
static void stop_with_program(int number) {
  int is_job = number == S_TSTP || number == S_TTIN || number == S_TTOU;
  long pid = CALL(SYS_getpid);
  /* Nobody would continue process 1, or a session's leader. */
  if (!is_job || pid == 1 || CALL(SYS_getsid, 0) == pid)
    return;
  hand_foreground(init.group, init.own_group);
  /* As a terminal would: by the same signal, and with those who share our group. */
  uint64_t blocked = set_blocked(~bit_of(number));
  CALL(SYS_kill, 0, number);
  set_blocked(blocked);
}

/* The shell continues this process, and with it the job. */
static void continue_program(void) {
  hand_foreground(init.own_group, init.group);
  CALL(SYS_kill, -init.group, S_CONT);
}

static void on_signal(int number) {
  if (number == S_CHLD)
    return; /* its children are looked at in any case */
  int given = init.options.give[number];
  if (init.program == 0) {
    if (given == S_TERM || given == S_INT || given == S_QUIT || given == S_HUP)
      init.deadline = now(); /* no more patience with what is left */
  } else if (given == S_CONT) {
    continue_program();
  } else {
    signal_program(given);
  }
}

static void read_signals(void) {
  struct signalfd_siginfo info[16];
  long length = CALL(SYS_read, init.signals, (long)info, sizeof info);
  for (long i = 0; i < length / (long)sizeof *info; i++)
    on_signal((int)info[i].ssi_signo);
}

/* Waits for all children that have ended. Returns whether there are others. */
static int reap(void) {
  for (;;) {
    struct change change = {0};
    long result =
        CALL(SYS_waitid, WAIT_ALL, 0, (long)&change, WAIT_EXITED | WAIT_STOPPED | WAIT_NO_HANG, 0);
    if (result == -E_CHILD)
      return 0;
    if (result == -E_INTR)
      continue;
    if (result != 0 || change.pid == 0)
      return 1;
    if (change.pid != init.program)
      continue;
    if (change.how == CHANGE_STOPPED) {
      stop_with_program(change.status);
    } else if (change.how <= 3) {
      init.code = change.how == CHANGE_EXITED ? change.status & 255 : 128 + change.status;
      init.program = 0;
      init.deadline = now() + init.options.grace;
    }
  }
}

/* The parent has ended. */
static void lose_parent(void) {
  CALL(SYS_close, init.parent);
  init.parent = -1;
  signal_program(init.options.parent_death);
}

/* Waits until something happens, at most so many milliseconds; for as long as it takes if negative.
 */
static void wait_for_news(long milliseconds) {
  struct {
    int fd;
    short events, happened;
  } polled[] = {{init.signals, POLL_READABLE, 0}, {init.parent, POLL_READABLE, 0}};
  struct {
    long seconds, nanoseconds;
  } time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  if (CALL(SYS_ppoll, (long)polled, 2, milliseconds < 0 ? 0 : (long)&time, 0, 0) <= 0)
    return;
  if (polled[0].happened != 0)
    read_signals();
  if (polled[1].happened != 0)
    lose_parent();
}

/* The program is to be signalled when the parent ends. */
static void watch_parent(void) {
  int number = init.options.parent_death;
  if (number == 0)
    return;
  long parent = CALL(SYS_getppid);
  init.parent = (int)CALL(SYS_pidfd_open, parent, 0);
  /* A parent in another pid namespace has no number here. This process gets the signal, and passes
   * it on; SIGKILL ends it, and as process 1 with it the program. */
  if (init.parent < 0)
    CALL(SYS_prctl, CONTROL_DEATH_SIGNAL, number);
  else if (CALL(SYS_getppid) != parent)
    lose_parent();
}

/* Until the program has ended, and all that it has left. */
static void run(void) {
  for (;;) {
    int others = reap();
    if (init.program != 0) {
      wait_for_news(-1);
      continue;
    }
    long left = init.deadline - now();
    if (!others || !end_children(left <= 0, init.handle))
      return;
    wait_for_news(left <= 0 || left > LOOK_AGAIN ? LOOK_AGAIN : left);
  }
}

/* Called by the few lines below with the stack that the kernel made. */
_Noreturn void init_main(char **stack);

_Noreturn void init_main(char **stack) {
  uint64_t all = ~(uint64_t)0;
  struct found found = {.blocked = set_blocked(all), .child_ignored = set_ignored(S_CHLD, 0)};
  char **words = stack + 1, **environment = words + (long)*stack + 1;
  read_options(&init.options, words + 1);
  if (CALL(SYS_getpid) != 1)
    CALL(SYS_prctl, CONTROL_SUBREAPER, 1);
  init.signals =
      (int)CALL(SYS_signalfd4, -1, (long)&all, sizeof all, OPEN_NON_BLOCKING | OPEN_CLOSE_ON_EXEC);
  init.terminal = (int)CALL(SYS_openat, AT_WORKING_DIRECTORY, (long)"/dev/tty",
                            OPEN_READ_WRITE | OPEN_NO_CONTROLLING_TERMINAL | OPEN_CLOSE_ON_EXEC);
  init.own_group = (int)CALL(SYS_getpgid, 0);
  watch_parent();
  init.program = start_program(init.options.program, environment,
                               is_foreground(init.own_group) ? init.terminal : -1, &found);
  init.group = init.program;
  init.handle = (int)CALL(SYS_pidfd_open, init.program, 0);
  if (init.signals < 0 || init.program < 0) {
    say("forkexec init: ", init.signals < 0 ? "signalfd" : "clone", ": errno ",
        decimal(init.signals < 0 ? -init.signals : -init.program), "\n", NULL);
    leave(FAILED);
  }
  run();
  hand_foreground(init.group, init.own_group);
  leave(init.options.fine[init.code & 255] ? 0 : init.code & 255);
}

#if defined(__x86_64__)
__asm__(".globl _start\n"
        "_start:\n\t"
        "xorl %ebp, %ebp\n\t"
        "movq %rsp, %rdi\n\t"
        "andq $-16, %rsp\n\t"
        "callq init_main\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n"
        "_start:\n\t"
        "mov x29, xzr\n\t"
        "mov x30, xzr\n\t"
        "mov x0, sp\n\t"
        "bl init_main\n");
#endif
