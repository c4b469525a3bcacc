/*
 * A handler for signals that a child is to drop before its program runs: execve(2) sets the default
 * action in its place, where a signal that is ignored would stay ignored.
 */
#include "idle_handler.h"

#include <stdint.h>

/*
 * Runs in a child that may share the memory of its parent: it touches nothing. Signal context;
 * async-signal-safe.
 */
static void idle(int number) {
  (void)number;
}

#if defined(__linux__) && defined(__x86_64__)
/* rt_sigreturn(2). Only on x86-64 does the kernel not know itself where a handler returns to. */
__attribute__((naked, noreturn)) static void restore(void) {
  __asm__("movl $15, %eax\n\tsyscall");
}
#endif

double idle_handler(void) {
  return (double)(uintptr_t)idle;
}

double idle_restorer(void) {
#if defined(__linux__) && defined(__x86_64__)
  return (double)(uintptr_t)restore;
#else
  return 0;
#endif
}
