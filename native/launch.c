/*
 * Everything that runs in a new process before execve.
 *
 * The rules of this file, which a test checks against its object code:
 * - The child runs in the memory of a parent whose other threads go on, and the thread that
 *   launched it waits in vfork. It may write to its own stack, the program's slots and the failure
 *   report, and to nothing else.
 * - No malloc, no lock, no stdio, no errno, no thread-local variable: any of them may be in the
 *   middle of a change by a thread that does not exist here.
 * - System calls are raw. libc's setuid and its kin signal all threads of the *parent*.
 * - All signals are blocked until the program itself sets the mask, and handlers are reset before:
 *   a handler of the parent must never run here.
 */
#include "launch.h"
#include "calls_linux.h"

#define SIGNAL_COUNT 64
#define SIGNAL_SET_SIZE 8
#define FD_CLOSE_ON_EXEC 1
#define COMMAND_SET_FD 2 /* F_SETFD */
#define AT_CURRENT_DIRECTORY (-100)
#define OPEN_DIRECTORY_FLAGS 02000000 /* O_RDONLY | O_CLOEXEC, alike on all architectures */
#define ERROR_NO_ENTRY 2
#define ERROR_NOT_DIRECTORY 20
#define ERROR_BAD_FD 9
#define ERROR_CANCELED 125
#define FUTEX_WAIT 0

/* The kernel's sigaction as rt_sigaction(2) takes it; the zeros are SIG_DFL. */
struct kernel_sigaction {
  uint64_t handler, flags, restorer, mask;
};

/* Child only; does not block; async-signal-safe. */
static void reset_caught_signals(void) {
  const struct kernel_sigaction reset = {0, 0, 0, 0};
  for (long number = 1; number <= SIGNAL_COUNT; number++) {
    struct kernel_sigaction now = {0, 0, 0, 0};
    if (CALL(SYS_rt_sigaction, number, 0, (long)&now, SIGNAL_SET_SIZE) == 0 && now.handler > 1)
      CALL(SYS_rt_sigaction, number, (long)&reset, 0, SIGNAL_SET_SIZE);
  }
}

/* The number that a decimal name spells, or -1. Child only; async-signal-safe. */
static long parse_number(const char *text) {
  long number = 0;
  if (*text == '\0')
    return -1;
  for (; *text != '\0'; text++) {
    if (*text < '0' || *text > '9' || number > 0xfffffff)
      return -1;
    number = number * 10 + (*text - '0');
  }
  return number;
}

/*
 * close_range(first, last, CLOSE_RANGE_CLOEXEC) for kernels before 5.11: marks what /proc/self/fd
 * lists. Without /proc it fails rather than let a descriptor through.
 * Child only; may block on /proc for microseconds; async-signal-safe.
 */
static long close_on_exec_range(unsigned long first, unsigned long last) {
  static const char path[] = "/proc/thread-self/fd";
  long directory = CALL(SYS_openat, AT_CURRENT_DIRECTORY, (long)path, OPEN_DIRECTORY_FLAGS);
  if (directory < 0)
    return directory;
  _Alignas(8) char entries[2048];
  long result;
  while ((result = CALL(SYS_getdents64, directory, (long)entries, sizeof entries)) > 0) {
    for (long at = 0; at < result;) {
      /* struct linux_dirent64: inode 8, offset 8, length 2, type 1, name */
      long length = *(const uint16_t *)(const void *)(entries + at + 16);
      long fd = parse_number(entries + at + 19);
      at += length;
      if (fd < 0 || (unsigned long)fd < first || (unsigned long)fd > last)
        continue;
      long marked = CALL(SYS_fcntl, fd, COMMAND_SET_FD, FD_CLOSE_ON_EXEC);
      if (marked < 0 && marked != -ERROR_BAD_FD) {
        result = marked;
        goto done;
      }
    }
  }
done:
  CALL(SYS_close, directory);
  return result;
}

/* Child only; ends it. Async-signal-safe. */
__attribute__((noreturn)) static void fail(const struct child_start *start, int32_t step,
                                           long error) {
  start->failure->error = (int32_t)-error;
  start->failure->step = step;
  for (;;)
    CALL(start->is_thread ? SYS_exit : SYS_exit_group, 127);
}

/* Child only; blocks until the parent, which was not suspended, has done its part. */
static long wait_for_parent(struct child_start *start) {
  while (start->go == 0)
    CALL(SYS_futex, (long)&start->go, FUTEX_WAIT, 0);
  return start->go == 1 ? 0 : -ERROR_CANCELED;
}

/* One call of the program. Child only; blocks as long as the call does. */
static long call(struct child_start *start, const struct instruction *instruction) {
  long values[6];
  for (int i = 0; i < 6; i++) {
    uint64_t argument = instruction->arguments[i];
    values[i] = INSTRUCTION_KIND(instruction, i) == KIND_LOAD
                    ? (long)*(const uint64_t *)(uintptr_t)argument
                    : (long)argument;
  }
  if (instruction->number == CALL_CLOSE_ON_EXEC_RANGE)
    return close_on_exec_range((unsigned long)values[0], (unsigned long)values[1]);
  if (instruction->number == CALL_WAIT_FOR_PARENT)
    return wait_for_parent(start);
  return call_kernel((long)instruction->number, values);
}

/*
 * Runs the program to its execve. Falling off its end means that no candidate could be executed:
 * the error is then the first that says more than "not here", as POSIX has it for execvp(3).
 * Child only; async-signal-safe.
 */
__attribute__((noreturn)) static void interpret(struct child_start *start) {
  const struct program *program = start->program;
  struct failure candidate = {(int32_t)program->count, ERROR_NO_ENTRY};
  int telling = 0;
  for (uint32_t i = 0; i < program->count; i++) {
    const struct instruction *instruction = &program->instructions[i];
    long result = call(start, instruction);
    switch (INSTRUCTION_MODE(instruction)) {
    case MODE_FAIL:
      if (result < 0)
        fail(start, (int32_t)i, result);
      break;
    case MODE_STORE:
      if (result < 0)
        fail(start, (int32_t)i, result);
      *(uint64_t *)(void *)(program->data + instruction->skip) = (uint64_t)result;
      break;
    case MODE_SKIP_IF:
      if (result == instruction->value)
        i += instruction->skip;
      break;
    case MODE_SKIP_UNLESS:
      if (result != instruction->value)
        i += instruction->skip;
      break;
    case MODE_TRY_NEXT:
      if (result < 0 && !telling) {
        telling = result != -ERROR_NO_ENTRY && result != -ERROR_NOT_DIRECTORY;
        candidate.step = (int32_t)i;
        candidate.error = (int32_t)-result;
      }
      break;
    default: /* MODE_IGNORE */
      break;
    }
  }
  fail(start, candidate.step, -candidate.error);
}

void launch_child(void *argument) {
  struct child_start *start = argument;
  if (start->reset_handlers)
    reset_caught_signals();
  interpret(start);
}
