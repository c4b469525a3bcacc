/**
 * Waiting for a process on the thread that launched it.
 *
 * @module
 */
import { native } from '../native.js';
import { attempt, close } from '../syscall/call.js';
import { E, LAYOUT, P, W } from '../syscall/constants.js';
import { refusalOf } from '../syscall/facilities.js';
import { readStruct } from '../syscall/layout.js';
import { remember } from './explain.js';
import type { Handle } from './handle.js';
import type { Unwatched } from './launching.js';
import { ExitStatus, ownMaxRss, unknownUsage } from './status.js';

/** What waitid(2) takes. Nobody else may reap it, so its number is as sure as a pidfd. */
function idOf({ pid, pidfd }: Handle): [type: number, id: number] {
  const byPidfd = pidfd >= 0 && refusalOf('waitid by pidfd') === 0;
  return byPidfd ? [P.P_PIDFD, pidfd] : [P.P_PID, pid];
}

/**
 * Waits until the process has ended, reaps it and closes its pidfd: waitid(2). With `pinned` its
 * group, session and tree can be reached until `unpin`: its pidfd stays open, and where that does not
 * serve it is not reaped yet.
 */
export function reap(child: Unwatched, pinned = false): ExitStatus {
  const { handle, parentPeak, started } = child;
  const info = new Uint8Array(LAYOUT.siginfo.size);
  const rusage = new Uint8Array(LAYOUT.rusage.size);
  const [type, id] = idOf(handle);
  const options = pinned && !handle.reachesGroupByPidfd ? W.WEXITED | W.WNOWAIT : W.WEXITED;
  let result: number;
  do {
    result = attempt('waitid', type, id, info, options, rusage);
  } while (result === -E.EINTR);
  const wallTime = Math.round(native.monotonicTime() - started);
  if (!pinned && handle.pidfd >= 0) close(handle.pidfd);
  // ECHILD: other code has reaped it, and the status is lost.
  if (result < 0) return new ExitStatus(0, 0, unknownUsage(wallTime));
  const { code, status } = readStruct(LAYOUT.siginfo, info);
  const usage = readStruct(LAYOUT.rusage, rusage);
  const ended = new ExitStatus(code, status, {
    wallTime,
    userTime: Number(usage.utime_sec) * 1e6 + Number(usage.utime_usec),
    systemTime: Number(usage.stime_sec) * 1e6 + Number(usage.stime_usec),
    maxRss: ownMaxRss(Number(usage.maxrss), parentPeak),
    minorFaults: Number(usage.minflt),
    majorFaults: Number(usage.majflt),
    blockInput: Number(usage.inblock),
    blockOutput: Number(usage.oublock),
    voluntarySwitches: Number(usage.nvcsw),
    involuntarySwitches: Number(usage.nivcsw),
  });
  remember(ended, child.launch);
  return ended;
}

/** Gives up what `reap` has left of a pinned process. */
export function unpin({ handle }: Unwatched): void {
  const [type, id] = idOf(handle);
  if (!handle.reachesGroupByPidfd) attempt('waitid', type, id, null, W.WEXITED | W.WNOHANG, null);
  if (handle.pidfd >= 0) close(handle.pidfd);
}
