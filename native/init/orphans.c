#include "orphans.h"
#include "system.h"

#define OPEN_CLOSE_ON_EXEC 02000000
#define AT_WORKING_DIRECTORY -100
#define SIGNAL_PROCESS_GROUP 4 /* PIDFD_SIGNAL_PROCESS_GROUP */
/* More than this the kernel gives no process: PID_MAX_LIMIT. */
#define NUMBERS (1 << 22)

/* Which have had their SIGTERM. What is never touched takes no memory. */
static unsigned char asked[NUMBERS / 8];

/*
 * A number of a child stays its own until it is waited for, which happens between calls of this
 * function alone: no other process can be hit.
 */
static int end_child(int pid, int kill) {
  unsigned char *byte = &asked[pid / 8 % (NUMBERS / 8)], bit = (unsigned char)(1 << pid % 8);
  if (kill)
    return CALL(SYS_kill, pid, S_KILL) == 0;
  if (*byte & bit)
    return 1;
  *byte |= bit;
  if (CALL(SYS_kill, pid, S_TERM) != 0)
    return 0;
  CALL(SYS_kill, pid, S_CONT); /* one that is stopped has to run to end */
  return 1;
}

/* Whether /proc shows the numbers that system calls go by. */
static int is_own_proc(void) {
  char text[16] = {0};
  const char *end;
  long length =
      CALL(SYS_readlinkat, AT_WORKING_DIRECTORY, (long)"/proc/self", (long)text, sizeof text - 1);
  return length > 0 && text_number(text, &end) == CALL(SYS_getpid);
}

/*
 * All that is left where the kernel lists no children: of process 1 the whole namespace, else the
 * program's group. Its number may be another's by now, and so it is reached by the pidfd, from
 * Linux 6.9 on.
 */
static int end_unlisted(int kill, int program) {
  static int has_asked;
  int number = kill ? S_KILL : has_asked ? 0 : S_TERM;
  has_asked = 1;
  if (CALL(SYS_getpid) == 1)
    return CALL(SYS_kill, -1, number) == 0;
  return CALL(SYS_pidfd_send_signal, program, number, 0, SIGNAL_PROCESS_GROUP) == 0;
}

int end_children(int kill, int program) {
  char text[4096];
  long list = is_own_proc() ? CALL(SYS_openat, AT_WORKING_DIRECTORY,
                                   (long)"/proc/thread-self/children", OPEN_CLOSE_ON_EXEC)
                            : -E_NOENT;
  if (list < 0)
    return end_unlisted(kill, program);
  int any = 0, pid = 0;
  for (long length; (length = CALL(SYS_read, list, (long)text, sizeof text)) > 0;) {
    for (long i = 0; i < length; i++) {
      if (text[i] >= '0' && text[i] <= '9') {
        pid = pid * 10 + (text[i] - '0');
      } else if (pid > 0) {
        any |= end_child(pid, kill);
        pid = 0;
      }
    }
  }
  CALL(SYS_close, list);
  return any;
}
