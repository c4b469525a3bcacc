/**
 * Processes, process groups and sessions by number.
 *
 * @module
 */

import { call } from './call.js';
import { checkInt, checkSignal } from './check.js';
import type { Signal } from './signals.js';

/** This process. @see getpid(2) */
export function getpid(): number {
  return call('getpid');
}

/** The parent, or who adopted this process since. @see getppid(2) */
export function getppid(): number {
  return call('getppid');
}

/**
 * The process group of a process; 0 is this one.
 *
 * @throws SystemError ESRCH.
 * @see getpgid(2)
 */
export function getpgid(pid = 0): number {
  return call('getpgid', checkInt('pid', pid));
}

/**
 * Moves a process to a process group of its session. For a child only before its execve:
 * `processGroup` of a launch does it there, in time.
 *
 * @param pid this process or a child; 0 is this process.
 * @param group 0 is a new group, of which the process is the leader.
 * @throws SystemError EACCES for a child after its execve; EPERM for a group of another session,
 * and for the leader of a session; ESRCH.
 * @see setpgid(2)
 */
export function setpgid(pid: number, group: number): void {
  call('setpgid', checkInt('pid', pid), checkInt('group', group));
}

/**
 * The session of a process; 0 is this one.
 *
 * @throws SystemError ESRCH.
 * @see getsid(2)
 */
export function getsid(pid = 0): number {
  return call('getsid', checkInt('pid', pid));
}

/**
 * Makes this process the leader of a new session, in a process group of its own and without a
 * controlling terminal. Returns the session's number.
 *
 * @throws SystemError EPERM when this process leads a process group already, as a program that was
 * started from a shell does.
 * @see setsid(2)
 */
export function setsid(): number {
  return call('setsid');
}

/**
 * Sends a signal by number. The number may be another process' by now: `Process` and
 * `pidfdSendSignal` can't miss.
 *
 * @param pid 0 is every process of this one's group, -n of the group n, -1 every process there is.
 * @param signal 0 sends nothing and tells whether it could be sent.
 * @throws SystemError ESRCH, EPERM.
 * @see kill(2)
 */
export function kill(pid: number, signal: Signal | 0): void {
  const number = signal === 0 ? 0 : checkSignal('signal', signal);
  call('kill', checkInt('pid', pid), number);
}
