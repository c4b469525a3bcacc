/**
 * Signals for the processes that a terminal is the controlling terminal of.
 *
 * @module
 */
import { Handle } from '../process/handle.js';
import { again, type Entry, entries } from '../process/proc.js';
import { attempt, attemptOpen, call, close } from '../syscall/call.js';
import { E, SIG, TIOC } from '../syscall/constants.js';
import { SystemError } from '../syscall/errors.js';
import { refusalOf } from '../syscall/facilities.js';

/**
 * Which processes on a terminal a signal is for: those of the foreground process group, or all of the
 * session, background jobs included.
 */
export type TerminalScope = 'group' | 'session';

/** Signals that the kernel itself sends to the foreground group: TIOCSIG, ioctl_tty(2). */
const KEYBOARD_SIGNALS: readonly number[] = [SIG.SIGINT, SIG.SIGQUIT, SIG.SIGTSTP];

/** How often the list is gone through for processes that were started meanwhile. */
const MAX_PASSES = 100;

/** The process group in the foreground; 0 where there is none. */
export function foregroundGroupOf(master: number): number {
  const group = new Int32Array(1);
  call('ioctl', master, TIOC.TIOCGPGRP, group);
  return group[0] as number;
}

/** The session of the terminal; 0 where there is none, or none in this pid namespace. */
function sessionOf(master: number): number {
  const session = new Int32Array(1);
  return attempt('ioctl', master, TIOC.TIOCGSID, session) < 0 ? 0 : (session[0] as number);
}

/**
 * Signals the foreground group through its leader: 0 or -errno, and undefined where the system has no
 * such call, the leader has ended, or its number is that of another session's process by now.
 */
function signalThroughLeader(master: number, group: number, number: number): number | undefined {
  if (refusalOf('pidfd_open') !== 0) return undefined;
  const leader = new Handle(group, attemptOpen('pidfd_open', group, 0));
  if (leader.pidfd < 0) return undefined;
  try {
    if (!leader.reachesGroupByPidfd) return undefined;
    // Looked at now: with the pidfd open, it is the same process that the signal goes through.
    if (attempt('getsid', group) !== sessionOf(master)) return undefined;
    if (foregroundGroupOf(master) !== group) return undefined;
    return leader.signalGroup(number);
  } finally {
    close(leader.pidfd);
  }
}

/** Sends a signal to one process, if it still is what it was: 0 or an errno. */
function signalOne(entry: Entry, number: number): number {
  const pidfd = attemptOpen('pidfd_open', entry.pid, 0);
  try {
    const now = again(entry, pidfd);
    if (now?.session !== entry.session) return E.ESRCH;
    return -new Handle(entry.pid, pidfd, 'here').signal(number);
  } finally {
    if (pidfd >= 0) close(pidfd);
  }
}

/** Signals all processes of a session that `belongs` holds for; whether there were any. */
function signalEach(
  session: number,
  number: number,
  belongs: (entry: Entry) => boolean = () => true,
): boolean {
  const done = new Set<string>();
  let refusal = 0;
  let any = false;
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const fresh = entries().filter(
      (entry) =>
        entry.session === session &&
        !entry.ended &&
        belongs(entry) &&
        !done.has(`${entry.pid} ${entry.started}`),
    );
    if (fresh.length === 0) break;
    for (const entry of fresh) {
      done.add(`${entry.pid} ${entry.started}`);
      const errno = signalOne(entry, number);
      if (errno === 0) any = true;
      else if (errno !== E.ESRCH) refusal ||= errno;
    }
  }
  // As with kill(2), it is an error only where no process could be signalled.
  if (!any && refusal !== 0) throw new SystemError('pidfd_send_signal', refusal);
  return any;
}

/**
 * Signals the foreground group or all of the session; false where there is no process to be signalled.
 *
 * @throws SystemError EPERM where this process may not signal any of them.
 */
export function signalTerminal(master: number, number: number, scope: TerminalScope): boolean {
  const session = sessionOf(master);
  if (session <= 0) return false;
  if (scope === 'session') return signalEach(session, number);
  const group = foregroundGroupOf(master);
  if (group <= 0) return false;
  if (KEYBOARD_SIGNALS.includes(number)) {
    // The kernel finds the group itself, and no other can be meant.
    call('ioctl', master, TIOC.TIOCSIG, number);
    return true;
  }
  const result = signalThroughLeader(master, group, number);
  if (result === undefined) return signalEach(session, number, (entry) => entry.group === group);
  if (result === -E.ESRCH) return false;
  if (result < 0) throw new SystemError('pidfd_send_signal', -result);
  return true;
}
