/*
 * What an instruction's number means where there is no stable system-call interface, on macOS and
 * the BSDs: an index into a table of libc's functions.
 *
 * They have the names and take the arguments of Linux' system calls, so that whoever writes a
 * program need not know which of the two it is for: sets of signals are 64 bits, and struct
 * sigaction, siginfo, rusage, rlimit and timespec lie as they do there. Numbers of signals, errors,
 * flags and requests are the system's own. What a system lacks says ENOSYS.
 */
#ifndef FORKEXEC_CALLS_POSIX_H
#define FORKEXEC_CALLS_POSIX_H

/* In the order of src/syscall/posix.ts; a test compares them. */
#define POSIX_CALLS(CALL)                                                                          \
  CALL(read)                                                                                       \
  CALL(write)                                                                                      \
  CALL(close)                                                                                      \
  CALL(openat)                                                                                     \
  CALL(faccessat)                                                                                  \
  CALL(fcntl)                                                                                      \
  CALL(dup)                                                                                        \
  CALL(dup3)                                                                                       \
  CALL(pipe2)                                                                                      \
  CALL(socketpair)                                                                                 \
  CALL(shutdown)                                                                                   \
  CALL(ioctl)                                                                                      \
  CALL(ppoll)                                                                                      \
  CALL(chdir)                                                                                      \
  CALL(fchdir)                                                                                     \
  CALL(chroot)                                                                                     \
  CALL(umask)                                                                                      \
  CALL(getpid)                                                                                     \
  CALL(getppid)                                                                                    \
  CALL(getpgid)                                                                                    \
  CALL(setpgid)                                                                                    \
  CALL(getsid)                                                                                     \
  CALL(setsid)                                                                                     \
  CALL(getuid)                                                                                     \
  CALL(geteuid)                                                                                    \
  CALL(getgid)                                                                                     \
  CALL(getegid)                                                                                    \
  CALL(getresuid)                                                                                  \
  CALL(getresgid)                                                                                  \
  CALL(getgroups)                                                                                  \
  CALL(setgroups)                                                                                  \
  CALL(setgid)                                                                                     \
  CALL(setuid)                                                                                     \
  CALL(getpriority)                                                                                \
  CALL(setpriority)                                                                                \
  CALL(getrlimit)                                                                                  \
  CALL(setrlimit)                                                                                  \
  CALL(prlimit64)                                                                                  \
  CALL(getrusage)                                                                                  \
  CALL(kill)                                                                                       \
  CALL(rt_sigaction)                                                                               \
  CALL(rt_sigprocmask)                                                                             \
  CALL(waitid)                                                                                     \
  CALL(wait4)                                                                                      \
  CALL(ptrace)                                                                                     \
  CALL(procctl)                                                                                    \
  CALL(execve)                                                                                     \
  CALL(exit_group)

enum posix_call {
#define POSIX_CALL_NUMBER(name) CALL_##name,
  POSIX_CALLS(POSIX_CALL_NUMBER)
#undef POSIX_CALL_NUMBER
      POSIX_CALL_COUNT
};

/*
 * Calls the function of that number. Returns -errno on failure. Any thread; blocks as long as the
 * function does; async-signal-safe as far as that is, which a test looks after.
 */
long call_kernel(long number, const long arguments[6]);

#endif
