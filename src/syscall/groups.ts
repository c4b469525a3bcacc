/**
 * Processes, process groups and sessions by number.
 *
 * @module
 */

import { call } from './call.js';
import { checkInt, checkSignal } from './check.js';
import type { Signal } from './signals.js';

/** The pid of this process. @see getpid(2) */
export function getpid(): number {
  return call('getpid');
}

/** The pid of the parent, or of the process that adopted this one. @see getppid(2) */
export function getppid(): number {
  return call('getppid');
}

/**
 * The process group of a process; pid 0 is this process.
 *
 * @throws SystemError ESRCH.
 * @see getpgid(2)
 */
export function getpgid(pid = 0): number {
  return call('getpgid', checkInt('pid', pid));
}

/**
 * Moves a process to a process group of its session. A child can be moved only before its execve;
 * the option `processGroup` of a launch does that.
 *
 * @param pid this process or a child; 0 is this process.
 * @param group 0 makes a new group with the process as its leader.
 * @throws SystemError EACCES for a child after its execve; EPERM for a group of another session,
 * and for the leader of a session; ESRCH.
 * @see setpgid(2)
 */
export function setpgid(pid: number, group: number): void {
  call('setpgid', checkInt('pid', pid), checkInt('group', group));
}

/**
 * The session of a process; pid 0 is this process.
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
 * @throws SystemError EPERM if this process already leads a process group, as programs started from
 * a shell do.
 * @see setsid(2)
 */
export function setsid(): number {
  return call('setsid');
}

/**
 * Sends a signal to a process by its pid. Another process may have the pid by then; `Process` and
 * `pidfdSendSignal` always reach the right one.
 *
 * @param pid 0 is every process of the group of this process, -n every process of the group n, and
 * -1 every process that this one is allowed to signal.
 * @param signal 0 sends nothing and checks whether a signal could be sent.
 * @throws SystemError ESRCH, EPERM.
 * @see kill(2)
 */
export function kill(pid: number, signal: Signal | 0): void {
  const number = signal === 0 ? 0 : checkSignal('signal', signal);
  call('kill', checkInt('pid', pid), number);
}
