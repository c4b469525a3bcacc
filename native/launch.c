/*
 * Everything that runs in a new process before execve.
 *
 * The interpreter is the same on all systems. What a call is, and the few things that are more than
 * a call, are in calls_linux.h and child_linux.h, or calls_posix.c and child_posix.h.
 *
 * The rules of these files, which a test checks against their object code:
 * - On Linux the child runs in the memory of a parent whose other threads go on, and the thread
 * that launched it waits in vfork. It may write to its own stack, the program's slots and the
 * failure report, and to nothing else.
 * - No malloc, no lock, no stdio, no errno, no thread-local variable: any of them may be in the
 *   middle of a change by a thread that does not exist here.
 * - System calls are raw, for libc's setuid and its kin signal all threads of the *parent*. Where
 *   there are no raw ones the child has memory of its own, and calls what is async-signal-safe.
 * - All signals are blocked until the program itself sets the mask, and handlers are reset before:
 *   a handler of the parent must never run here.
 */
#include "launch.h"
#if defined(__linux__) && !defined(FORKEXEC_POSIX)
#include "child_linux.h"
#else
#include "child_posix.h"
#endif

#define ERROR_NO_ENTRY 2
#define ERROR_NOT_DIRECTORY 20

/* One call of the program. Child only; blocks as long as the call does. */
static long call(struct child_start *start, const struct instruction *instruction) {
  long values[6];
  for (int i = 0; i < 6; i++) {
    uint64_t argument = instruction->arguments[i];
    values[i] = INSTRUCTION_KIND(instruction, i) == KIND_LOAD
                    ? (long)*(const uint64_t *)(uintptr_t)argument
                    : (long)argument;
  }
  if (instruction->number == OWN_CALL_CLOSE_ON_EXEC_RANGE)
    return close_on_exec_range(start, (unsigned long)values[0], (unsigned long)values[1]);
  if (instruction->number == OWN_CALL_WAIT_FOR_PARENT)
    return wait_for_parent(start);
  if (instruction->number == OWN_CALL_IS_IN_CGROUP)
    return start->in_cgroup;
  return call_kernel((long)instruction->number, values);
}

struct failure launch_run(struct child_start *start) {
  const struct program *program = start->program;
  struct failure candidate = {(int32_t)program->count, ERROR_NO_ENTRY};
  int telling = 0;
  if (start->reset_handlers)
    reset_caught_signals();
  for (uint32_t i = 0; i < program->count; i++) {
    const struct instruction *instruction = &program->instructions[i];
    start->report->at = (int32_t)i;
#ifdef FORKEXEC_FAILPOINTS
    int fails = start->fail_error != 0 && (int)i == start->fail_step;
    long result = fails ? -start->fail_error : call(start, instruction);
#else
    long result = call(start, instruction);
#endif
    struct failure failure = {(int32_t)i, (int32_t)-result};
    switch (INSTRUCTION_MODE(instruction)) {
    case MODE_FAIL:
      if (result < 0)
        return failure;
      break;
    case MODE_STORE:
      if (result < 0)
        return failure;
      *(uint64_t *)(void *)(program->data + instruction->skip) = (uint64_t)result;
      break;
    case MODE_SKIP_IF:
      if (result == instruction->value)
        i += instruction->skip;
      break;
    case MODE_DEGRADE:
      if (result < 0) {
        start->report->skipped[start->report->skipped_count++] = failure;
        i += instruction->skip;
      }
      break;
    case MODE_TRY_NEXT:
      if (result < 0 && !telling) {
        telling = result != -ERROR_NO_ENTRY && result != -ERROR_NOT_DIRECTORY;
        candidate = failure;
      }
      break;
    default: /* MODE_IGNORE */
      break;
    }
  }
  return candidate;
}

void launch_child(void *argument) {
  struct child_start *start = argument;
  start->report->began = 1;
  start->report->failure = launch_run(start);
  end_child(start);
}
