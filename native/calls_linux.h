/*
 * What an instruction's number means on Linux: a system call, made without libc.
 *
 * libc's wrappers are kept out on purpose: they write errno, which a vfork child shares with the
 * thread it suspended, and those of the setuid family signal every thread of the parent.
 */
#ifndef FORKEXEC_CALLS_LINUX_H
#define FORKEXEC_CALLS_LINUX_H

#include <stdint.h>
#include <sys/syscall.h>

/* What <linux/sched.h> of older systems lacks; the values are part of the kernel's ABI. */
#define CLONE_FLAG_NEWTIME 0x00000080ULL
#define CLONE_FLAG_VM 0x00000100ULL
#define CLONE_FLAG_PIDFD 0x00001000ULL
#define CLONE_FLAG_VFORK 0x00004000ULL
#define CLONE_FLAG_PARENT_SETTID 0x00100000ULL
#define CLONE_FLAG_CHILD_CLEARTID 0x00200000ULL
#define CLONE_FLAG_CLEAR_SIGHAND 0x100000000ULL
#define CLONE_FLAG_INTO_CGROUP 0x200000000ULL
#ifndef SYS_clone3
#define SYS_clone3 435
#endif

/* The kernel's own struct (clone3(2)), in the 88 bytes it has had since Linux 5.7. */
struct kernel_clone_args {
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal;
  uint64_t stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

/* Where clone(2) takes child_tid: the order differs between architectures. */
#if defined(__aarch64__)
#define CLONE_CHILD_TID_ARGUMENT 4
#else
#define CLONE_CHILD_TID_ARGUMENT 3
#endif

#if defined(__x86_64__)

/* Any thread; blocks as long as the call does; async-signal-safe. Returns -errno on failure. */
static inline long call_kernel(long number, const long a[6]) {
  register long r10 __asm__("r10") = a[3];
  register long r8 __asm__("r8") = a[4];
  register long r9 __asm__("r9") = a[5];
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

/*
 * clone(2) or clone3(2) whose child runs `entry(argument)` on the new stack that `a` names and
 * never comes back. The new stack is empty, so what the child needs travels in registers. Any
 * thread with all signals blocked; blocks for as long as CLONE_VFORK does.
 */
static inline long call_clone(long number, const long a[6], void (*entry)(void *), void *argument) {
  register long r10 __asm__("r10") = a[3];
  register long r8 __asm__("r8") = a[4];
  register void (*function)(void *) __asm__("r12") = entry;
  register void *parameter __asm__("r13") = argument;
  long result;
  __asm__ volatile("syscall\n\t"
                   "testq %%rax, %%rax\n\t"
                   "jnz 1f\n\t"
                   "xorl %%ebp, %%ebp\n\t"
                   "movq %%r13, %%rdi\n\t"
                   "callq *%%r12\n\t"
                   "ud2\n"
                   "1:"
                   : "=a"(result)
                   : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(function),
                     "r"(parameter)
                   : "rcx", "r11", "memory");
  return result;
}

#elif defined(__aarch64__)

/* As above. */
static inline long call_kernel(long number, const long a[6]) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a[0];
  register long x1 __asm__("x1") = a[1];
  register long x2 __asm__("x2") = a[2];
  register long x3 __asm__("x3") = a[3];
  register long x4 __asm__("x4") = a[4];
  register long x5 __asm__("x5") = a[5];
  __asm__ volatile("svc #0"
                   : "+r"(x0)
                   : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                   : "memory");
  return x0;
}

/* As above. */
static inline long call_clone(long number, const long a[6], void (*entry)(void *), void *argument) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a[0];
  register long x1 __asm__("x1") = a[1];
  register long x2 __asm__("x2") = a[2];
  register long x3 __asm__("x3") = a[3];
  register long x4 __asm__("x4") = a[4];
  register void (*function)(void *) __asm__("x19") = entry;
  register void *parameter __asm__("x20") = argument;
  __asm__ volatile("svc #0\n\t"
                   "cbnz x0, 1f\n\t"
                   "mov x29, xzr\n\t"
                   "mov x30, xzr\n\t"
                   "mov x0, x20\n\t"
                   "blr x19\n\t"
                   "brk #0\n"
                   "1:"
                   : "+r"(x0)
                   : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(function), "r"(parameter)
                   : "memory");
  return x0;
}

#else
#error "the system calls of this architecture are not known"
#endif

/* The same with the arguments in a row; what is not given is zero. */
#define CALL(number, ...) call_kernel((number), (const long[6]){__VA_ARGS__})

#endif
