/* Calls that take or give structs. The caller sees the structs of Linux. */
#define _GNU_SOURCE /* Linux: wait4 */
#include "call_table_posix.h"
#include "sigset.h"
#include "probe.h"
#include "start.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/types.h>
#if defined(__APPLE__) && !__has_include(<sys/ptrace.h>)
int ptrace(int, int, char *, int); /* Zig comes without the header */
#else
#include <sys/ptrace.h>
#endif
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* 20 minus the nice value, as Linux has it: a value of -1 is not an error. */
long call_getpriority(const long a[6]) {
  errno = 0;
  int nice_value = getpriority(INT(0), (whose)a[1]);
  return errno != 0 ? -(long)errno : 20 - nice_value;
}

long call_setpriority(const long a[6]) {
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

long call_getrlimit(const long a[6]) {
  return get_limit(INT(0), POINTER(1));
}

long call_setrlimit(const long a[6]) {
  return set_limit(INT(0), POINTER(1));
}

/* Of this process alone. */
long call_prlimit64(const long a[6]) {
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

long call_getrusage(const long a[6]) {
  struct rusage usage;
  if (getrusage(INT(0), &usage) != 0)
    return -(long)errno;
  write_usage(&usage, POINTER(1));
  return 0;
}

long call_kill(const long a[6]) {
  return result_of(kill(INT(0), INT(1)));
}

long call_rt_sigaction(const long a[6]) {
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
long call_rt_sigprocmask(const long a[6]) {
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

long call_waitid(const long a[6]) {
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

long call_wait4(const long a[6]) {
  struct portable_usage *wanted_usage = POINTER(3);
  struct rusage usage = {0};
  long result = result_of(wait4(INT(0), POINTER(1), INT(2), &usage));
  if (result > 0 && wanted_usage != NULL)
    write_usage(&usage, wanted_usage);
  return result;
}

long call_ptrace(const long a[6]) {
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
#else
  return result_of(ptrace(INT(0), INT(1), (caddr_t)POINTER(2), INT(3)));
#endif
}
