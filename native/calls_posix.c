#define _GNU_SOURCE /* Linux: setgroups, getresuid; elsewhere they are there without */
#include "call_table_posix.h"

#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/param.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
#if defined(__FreeBSD__)
#include <sys/procctl.h>
#endif

/* Linux' struct timespec. */
struct portable_time {
  int64_t seconds, fraction;
};

/* A call that is no more than a function of libc. */
#define CALL_IS(name, result)                                                                      \
  long call_##name(const long a[6]) {                                                              \
    (void)a;                                                                                       \
    return result;                                                                                 \
  }

CALL_IS(read, result_of(read(INT(0), POINTER(1), (size_t)a[2])));
CALL_IS(write, result_of(write(INT(0), POINTER(1), (size_t)a[2])));
CALL_IS(close, result_of(close(INT(0))));
CALL_IS(openat, result_of(openat(INT(0), POINTER(1), INT(2), INT(3))));
CALL_IS(faccessat, result_of(faccessat(INT(0), POINTER(1), INT(2), 0)));
CALL_IS(fcntl, result_of(fcntl(INT(0), INT(1), a[2])));
CALL_IS(dup, result_of(dup(INT(0))));

/* dup2(2), which all systems have. */
long call_dup3(const long a[6]) {
  if (a[0] == a[1] || (a[2] & ~(long)O_CLOEXEC) != 0)
    return -EINVAL;
  long fd = result_of(dup2(INT(0), INT(1)));
  if (fd >= 0 && (a[2] & O_CLOEXEC) != 0)
    fcntl((int)fd, F_SETFD, FD_CLOEXEC);
  return fd;
}

/*
 * Sets what `flags` says of two new descriptors. Between their making and this a child that
 * other code launches may inherit them; a child of this library marks what it was not asked for.
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

long call_pipe2(const long a[6]) {
  if ((a[1] & ~(long)(O_CLOEXEC | O_NONBLOCK)) != 0)
    return -EINVAL;
  int *fds = POINTER(0);
  return pipe(fds) == 0 ? prepare_pair(fds, a[1]) : -(long)errno;
}

/* Always close-on-exec: not all systems have SOCK_CLOEXEC. */
long call_socketpair(const long a[6]) {
  int *fds = POINTER(3), type = INT(1);
#ifdef SOCK_CLOEXEC
  type &= ~SOCK_CLOEXEC;
#endif
  return socketpair(INT(0), type, INT(2), fds) == 0 ? prepare_pair(fds, O_CLOEXEC) : -(long)errno;
}

CALL_IS(shutdown, result_of(shutdown(INT(0), INT(1))));

/* tcsetpgrp(3) where it is that: POSIX has it, and says that a child may call it. */
long call_ioctl(const long a[6]) {
  if ((unsigned long)a[1] == (unsigned long)TIOCSPGRP)
    return result_of(tcsetpgrp(INT(0), *(const pid_t *)POINTER(2)));
  return result_of(ioctl(INT(0), (unsigned long)a[1], POINTER(2)));
}

/* poll(2): milliseconds, no mask. */
long call_ppoll(const long a[6]) {
  const struct portable_time *timeout = POINTER(2);
  int64_t ms = -1;
  if (timeout != NULL)
    ms = timeout->seconds > INT_MAX / 1000
             ? INT_MAX
             : timeout->seconds * 1000 + (timeout->fraction + 999999) / 1000000;
  return a[3] != 0 ? -EINVAL : result_of(poll(POINTER(0), (nfds_t)a[1], (int)ms));
}

CALL_IS(flock, result_of(flock(INT(0), INT(1))));
CALL_IS(chdir, result_of(chdir(POINTER(0))));
CALL_IS(fchdir, result_of(fchdir(INT(0))));
CALL_IS(chroot, result_of(chroot(POINTER(0))));
CALL_IS(umask, (long)umask((mode_t)a[0]));
CALL_IS(getpid, getpid());
CALL_IS(getppid, getppid());
CALL_IS(getpgid, result_of(getpgid(INT(0))));
CALL_IS(setpgid, result_of(setpgid(INT(0), INT(1))));
CALL_IS(getsid, result_of(getsid(INT(0))));
CALL_IS(setsid, result_of(setsid()));
CALL_IS(getuid, (long)getuid());
CALL_IS(geteuid, (long)geteuid());
CALL_IS(getgid, (long)getgid());
CALL_IS(getegid, (long)getegid());

long call_getresuid(const long a[6]) {
#if defined(__linux__) || defined(__FreeBSD__)
  return result_of(getresuid(POINTER(0), POINTER(1), POINTER(2)));
#else
  (void)a;
  return -ENOSYS;
#endif
}

long call_getresgid(const long a[6]) {
#if defined(__linux__) || defined(__FreeBSD__)
  return result_of(getresgid(POINTER(0), POINTER(1), POINTER(2)));
#else
  (void)a;
  return -ENOSYS;
#endif
}

CALL_IS(getgroups, result_of(getgroups(INT(0), POINTER(1))));

long call_setgroups(const long a[6]) {
#if defined(__linux__)
  return result_of(setgroups((size_t)a[0], POINTER(1)));
#else
  return result_of(setgroups(INT(0), POINTER(1)));
#endif
}

CALL_IS(setgid, result_of(setgid((gid_t)a[0])));
CALL_IS(setuid, result_of(setuid((uid_t)a[0])));

long call_procctl(const long a[6]) {
#if defined(__FreeBSD__)
  return result_of(procctl((idtype_t)a[0], (id_t)a[1], INT(2), POINTER(3)));
#else
  (void)a;
  return -ENOSYS;
#endif
}

CALL_IS(execve, result_of(execve(POINTER(0), POINTER(1), POINTER(2))));

long call_exit_group(const long a[6]) {
  _exit(INT(0));
}

static function *const functions[POSIX_CALL_COUNT] = {
#define POSIX_CALL_FUNCTION(name) call_##name,
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
