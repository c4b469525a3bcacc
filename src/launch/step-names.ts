/**
 * Every step that a launch can fail at.
 *
 * @module
 */

/** In the order of a launch; some names stand at several places. */
export const STEP_NAMES = [
  // by this process, before there is another
  'pipe2',
  'socketpair',
  'cgroup',
  'clone',
  // by the new process
  'fcntl',
  'open',
  'sigaction',
  'setsid',
  'setpgid',
  'getpgid',
  'TIOCSPGRP',
  'setns',
  'unshare',
  'user_namespaces',
  'mount',
  'write',
  'sched_setscheduler',
  'sched_setattr',
  'setpriority',
  'ioprio_set',
  'sched_setaffinity',
  'prlimit64',
  'TIOCNOTTY',
  'chroot',
  'PR_SET_KEEPCAPS',
  'setgroups',
  'setgid',
  'setuid',
  'capset',
  'PR_CAPBSET_DROP',
  'PR_CAP_AMBIENT_CLEAR_ALL',
  'PR_CAP_AMBIENT_RAISE',
  'PR_SET_SECUREBITS',
  'umask',
  'chdir',
  'getpid',
  'PR_SET_PDEATHSIG',
  'dup3',
  'close_range',
  'TIOCSCTTY',
  'PR_SET_NO_NEW_PRIVS',
  'ptrace',
  'sigprocmask',
  'execve',
] as const;

/**
 * The step of a launch that failed: the system call as its manual page names it, or the operation
 * where one call has many (`'PR_SET_PDEATHSIG'`).
 */
export type StepName = (typeof STEP_NAMES)[number];

/** Steps whose result does not matter, so that no error names them. */
export type SilentStepName = 'close' | 'getppid' | 'kill';
