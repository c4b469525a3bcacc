#define _GNU_SOURCE /* Linux: setgroups, getresuid; elsewhere they are there without */
#include "calls_posix.h"
#include "sigset.h"
#include "start.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/ioctl.h>
#include <sys/param.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__FreeBSD__)
#include <sys/procctl.h>
#endif

/*
 * Each function below is the one it is named after; calls_posix.h says how they take their
 * arguments. They keep errno as it was, since a launch in place runs on a thread that has one.
 */
typedef long function(const long a[6]);

#define POINTER(i) ((void *)(uintptr_t)a[i])
#define INT(i) ((int)a[i])

/* Linux' structs, of 64-bit words alone but for siginfo. */
struct portable_action {
  uint64_t handler, flags, restorer, mask;
};
struct portable_limit {
  uint64_t soft, hard;
};
struct portable_time {
  int64_t seconds, fraction;
};
struct portable_usage {
  struct portable_time user, system;
  int64_t counts[14];
};
struct portable_siginfo {
  int32_t number, error, code, unused, pid;
  uint32_t uid;
  int32_t status;
};

#define UNLIMITED UINT64_MAX

/* What getpriority(2) takes for whose. */
#if defined(__FreeBSD__)
typedef int whose;
#else
typedef id_t whose;
#endif

static long result_of(long result) {
  return result == -1 ? -(long)errno : result;
}

static long call_read(const long a[6]) {
  return result_of(read(INT(0), POINTER(1), (size_t)a[2]));
}

static long call_write(const long a[6]) {
  return result_of(write(INT(0), POINTER(1), (size_t)a[2]));
}

static long call_close(const long a[6]) {
  return result_of(close(INT(0)));
}

static long call_openat(const long a[6]) {
  return result_of(openat(INT(0), POINTER(1), INT(2), INT(3)));
}

static long call_faccessat(const long a[6]) {
  return result_of(faccessat(INT(0), POINTER(1), INT(2), 0));
}

static long call_fcntl(const long a[6]) {
  return result_of(fcntl(INT(0), INT(1), a[2]));
}

static long call_dup(const long a[6]) {
  return result_of(dup(INT(0)));
}

/* dup2(2), which all systems have. */
static long call_dup3(const long a[6]) {
  if (a[0] == a[1] || (a[2] & ~(long)O_CLOEXEC) != 0)
    return -EINVAL;
  long fd = result_of(dup2(INT(0), INT(1)));
  if (fd >= 0 && (a[2] & O_CLOEXEC) != 0)
    fcntl((int)fd, F_SETFD, FD_CLOEXEC);
  return fd;
}

/*
 * Sets what `flags` says of two new descriptors. Between their making and this a child that
 * something else launches may inherit them; one of ours marks what it was not asked for.
 */
static long prepare_pair(const int fds[2], long flags) {
  for (int i = 0; i < 2; i++) {
    if ((flags & O_CLOEXEC) != 0)
      fcntl(fds[i], F_SETFD, FD_CLOEXEC);
    if ((flags & O_NONBLOCK) != 0)
      fcntl(fds[i], F_SETFL, fcntl(fds[i], F_GETFL) | O_NONBLOCK);
  }
  return 0;
}

static long call_pipe2(const long a[6]) {
  if ((a[1] & ~(long)(O_CLOEXEC | O_NONBLOCK)) != 0)
    return -EINVAL;
  int *fds = POINTER(0);
  return pipe(fds) == 0 ? prepare_pair(fds, a[1]) : -(long)errno;
}

/* Always close-on-exec: not all systems have SOCK_CLOEXEC. */
static long call_socketpair(const long a[6]) {
  int *fds = POINTER(3), type = INT(1);
#ifdef SOCK_CLOEXEC
  type &= ~SOCK_CLOEXEC;
#endif
  return socketpair(INT(0), type, INT(2), fds) == 0 ? prepare_pair(fds, O_CLOEXEC) : -(long)errno;
}

static long call_shutdown(const long a[6]) {
  return result_of(shutdown(INT(0), INT(1)));
}

/* tcsetpgrp(3) where it is that: POSIX has it, and says that a child may call it. */
static long call_ioctl(const long a[6]) {
  if ((unsigned long)a[1] == (unsigned long)TIOCSPGRP)
    return result_of(tcsetpgrp(INT(0), *(const pid_t *)POINTER(2)));
  return result_of(ioctl(INT(0), (unsigned long)a[1], POINTER(2)));
}

/* poll(2): milliseconds, no mask. */
static long call_ppoll(const long a[6]) {
  const struct portable_time *timeout = POINTER(2);
  int64_t ms = -1;
  if (timeout != NULL)
    ms = timeout->seconds > INT_MAX / 1000
             ? INT_MAX
             : timeout->seconds * 1000 + (timeout->fraction + 999999) / 1000000;
  return a[3] != 0 ? -EINVAL : result_of(poll(POINTER(0), (nfds_t)a[1], (int)ms));
}

static long call_chdir(const long a[6]) {
  return result_of(chdir(POINTER(0)));
}

static long call_fchdir(const long a[6]) {
  return result_of(fchdir(INT(0)));
}

static long call_chroot(const long a[6]) {
  return result_of(chroot(POINTER(0)));
}

static long call_umask(const long a[6]) {
  return (long)umask((mode_t)a[0]);
}

static long call_getpid(const long a[6]) {
  (void)a;
  return getpid();
}

static long call_getppid(const long a[6]) {
  (void)a;
  return getppid();
}

static long call_getpgid(const long a[6]) {
  return result_of(getpgid(INT(0)));
}

static long call_setpgid(const long a[6]) {
  return result_of(setpgid(INT(0), INT(1)));
}

static long call_getsid(const long a[6]) {
  return result_of(getsid(INT(0)));
}

static long call_setsid(const long a[6]) {
  (void)a;
  return result_of(setsid());
}

static long call_getuid(const long a[6]) {
  (void)a;
  return (long)getuid();
}

static long call_geteuid(const long a[6]) {
  (void)a;
  return (long)geteuid();
}

static long call_getgid(const long a[6]) {
  (void)a;
  return (long)getgid();
}

static long call_getegid(const long a[6]) {
  (void)a;
  return (long)getegid();
}

static long call_getresuid(const long a[6]) {
#if defined(__linux__) || defined(__FreeBSD__) || defined(__OpenBSD__)
  return result_of(getresuid(POINTER(0), POINTER(1), POINTER(2)));
#else
  (void)a;
  return -ENOSYS;
#endif
}

static long call_getresgid(const long a[6]) {
#if defined(__linux__) || defined(__FreeBSD__) || defined(__OpenBSD__)
  return result_of(getresgid(POINTER(0), POINTER(1), POINTER(2)));
#else
  (void)a;
  return -ENOSYS;
#endif
}

static long call_getgroups(const long a[6]) {
  return result_of(getgroups(INT(0), POINTER(1)));
}

static long call_setgroups(const long a[6]) {
#if defined(__linux__)
  return result_of(setgroups((size_t)a[0], POINTER(1)));
#else
  return result_of(setgroups(INT(0), POINTER(1)));
#endif
}

static long call_setgid(const long a[6]) {
  return result_of(setgid((gid_t)a[0]));
}

static long call_setuid(const long a[6]) {
  return result_of(setuid((uid_t)a[0]));
}

/* 20 minus the nice value, as Linux has it: a value of -1 is no error. */
static long call_getpriority(const long a[6]) {
  errno = 0;
  int nice_value = getpriority(INT(0), (whose)a[1]);
  return errno != 0 ? -(long)errno : 20 - nice_value;
}

static long call_setpriority(const long a[6]) {
  return result_of(setpriority(INT(0), (whose)a[1], INT(2)));
}

static long get_limit(int resource, struct portable_limit *portable) {
  struct rlimit limit;
  if (getrlimit(resource, &limit) != 0)
    return -(long)errno;
  portable->soft = limit.rlim_cur == RLIM_INFINITY ? UNLIMITED : (uint64_t)limit.rlim_cur;
  portable->hard = limit.rlim_max == RLIM_INFINITY ? UNLIMITED : (uint64_t)limit.rlim_max;
  return 0;
}

static long set_limit(int resource, const struct portable_limit *portable) {
  const struct rlimit limit = {
      .rlim_cur = portable->soft == UNLIMITED ? RLIM_INFINITY : (rlim_t)portable->soft,
      .rlim_max = portable->hard == UNLIMITED ? RLIM_INFINITY : (rlim_t)portable->hard,
  };
  return result_of(setrlimit(resource, &limit));
}

static long call_getrlimit(const long a[6]) {
  return get_limit(INT(0), POINTER(1));
}

static long call_setrlimit(const long a[6]) {
  return set_limit(INT(0), POINTER(1));
}

/* Of this process alone. */
static long call_prlimit64(const long a[6]) {
  if (a[0] != 0 && a[0] != getpid())
    return -ENOSYS;
  long result = 0;
  struct portable_limit before = {0, 0};
  if (a[3] != 0)
    result = get_limit(INT(1), &before);
  if (result == 0 && a[2] != 0)
    result = set_limit(INT(1), POINTER(2));
  if (result == 0 && a[3] != 0)
    *(struct portable_limit *)POINTER(3) = before;
  return result;
}

static void write_usage(const struct rusage *usage, struct portable_usage *portable) {
  const struct portable_usage written = {
      .user = {usage->ru_utime.tv_sec, usage->ru_utime.tv_usec},
      .system = {usage->ru_stime.tv_sec, usage->ru_stime.tv_usec},
      .counts = {usage->ru_maxrss / MAX_RSS_UNIT, usage->ru_ixrss, usage->ru_idrss, usage->ru_isrss,
                 usage->ru_minflt, usage->ru_majflt, usage->ru_nswap, usage->ru_inblock,
                 usage->ru_oublock, usage->ru_msgsnd, usage->ru_msgrcv, usage->ru_nsignals,
                 usage->ru_nvcsw, usage->ru_nivcsw},
  };
  *portable = written;
}

static long call_getrusage(const long a[6]) {
  struct rusage usage;
  if (getrusage(INT(0), &usage) != 0)
    return -(long)errno;
  write_usage(&usage, POINTER(1));
  return 0;
}

static long call_kill(const long a[6]) {
  return result_of(kill(INT(0), INT(1)));
}

static long call_rt_sigaction(const long a[6]) {
  const struct portable_action *wanted = POINTER(1);
  struct portable_action *before = POINTER(2);
  struct sigaction action = {0}, old = {0};
  if (wanted != NULL) {
    action.sa_handler = (void (*)(int))(uintptr_t)wanted->handler;
    action.sa_flags = (int)wanted->flags;
    set_of_word(wanted->mask, &action.sa_mask);
  }
  if (sigaction(INT(0), wanted == NULL ? NULL : &action, &old) != 0)
    return -(long)errno;
  if (before != NULL) {
    const struct portable_action written = {(uint64_t)(uintptr_t)old.sa_handler,
                                            (uint64_t)old.sa_flags, 0, word_of_set(&old.sa_mask)};
    *before = written;
  }
  return 0;
}

/* pthread_sigmask(3): of the calling thread on every system. */
static long call_rt_sigprocmask(const long a[6]) {
  const uint64_t *wanted = POINTER(1);
  uint64_t *before = POINTER(2);
  sigset_t set, old;
  if (wanted != NULL)
    set_of_word(*wanted, &set);
  int error = pthread_sigmask(INT(0), wanted == NULL ? NULL : &set, &old);
  if (error == 0 && before != NULL)
    *before = word_of_set(&old);
  return -(long)error;
}

static long call_waitid(const long a[6]) {
  struct portable_siginfo *portable = POINTER(2);
  struct portable_usage *wanted_usage = POINTER(4);
  siginfo_t info = {0};
  struct rusage usage = {0};
  long result;
  if (a[0] == P_PID && (a[3] & WEXITED) != 0)
    result = wait_for_child(INT(1), -1, &info, INT(3), &usage);
  else
    result = result_of(waitid((idtype_t)a[0], (id_t)a[1], &info, INT(3)));
  if (result == 0 && portable != NULL) {
    const struct portable_siginfo written = {
        .number = info.si_signo,
        .code = info.si_code,
        .pid = info.si_pid,
        .uid = (uint32_t)info.si_uid,
        .status = info.si_status,
    };
    *portable = written;
  }
  if (result == 0 && wanted_usage != NULL)
    write_usage(&usage, wanted_usage);
  return result;
}

static long call_wait4(const long a[6]) {
  struct portable_usage *wanted_usage = POINTER(3);
  struct rusage usage = {0};
  long result = result_of(wait4(INT(0), POINTER(1), INT(2), &usage));
  if (result > 0 && wanted_usage != NULL)
    write_usage(&usage, wanted_usage);
  return result;
}

static long call_ptrace(const long a[6]) {
#if defined(__linux__)
  errno = 0;
  long result = ptrace((enum __ptrace_request)a[0], INT(1), POINTER(2), POINTER(3));
  if (errno != 0)
    return -(long)errno;
  /* The wrapper returns what these read, where the system call stores it. */
  if (a[0] != PTRACE_PEEKTEXT && a[0] != PTRACE_PEEKDATA && a[0] != PTRACE_PEEKUSER)
    return result;
  *(long *)POINTER(3) = result;
  return 0;
#elif defined(__NetBSD__)
  return result_of(ptrace(INT(0), INT(1), POINTER(2), INT(3)));
#else
  return result_of(ptrace(INT(0), INT(1), (caddr_t)POINTER(2), INT(3)));
#endif
}

static long call_procctl(const long a[6]) {
#if defined(__FreeBSD__)
  return result_of(procctl((idtype_t)a[0], (id_t)a[1], INT(2), POINTER(3)));
#else
  (void)a;
  return -ENOSYS;
#endif
}

static long call_execve(const long a[6]) {
  return result_of(execve(POINTER(0), POINTER(1), POINTER(2)));
}

static long call_exit_group(const long a[6]) {
  _exit(INT(0));
}

static function *const functions[POSIX_CALL_COUNT] = {
#define POSIX_CALL_FUNCTION(name) [CALL_##name] = call_##name,
    POSIX_CALLS(POSIX_CALL_FUNCTION)
#undef POSIX_CALL_FUNCTION
};

long call_kernel(long number, const long arguments[6]) {
  if (number < 0 || number >= POSIX_CALL_COUNT)
    return -ENOSYS;
  int before = errno;
  long result = functions[number](arguments);
  errno = before;
  return result;
}
