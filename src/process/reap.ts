/**
 * Waiting for a process on the thread that launched it.
 *
 * @module
 */
import { native } from '../native.js';
import { attempt, close } from '../syscall/call.js';
import { E, LAYOUT, P, W } from '../syscall/constants.js';
import { readStruct } from '../syscall/layout.js';
import { refusalOf } from './facilities.js';
import type { Unwatched } from './launch.js';
import { ExitStatus, ownMaxRss } from './status.js';

/** Waits until the process has ended, reaps it and closes its pidfd: waitid(2). */
export function reap({ handle: { pid, pidfd }, parentPeak, started }: Unwatched): ExitStatus {
  const info = new Uint8Array(LAYOUT.siginfo.size);
  const rusage = new Uint8Array(LAYOUT.rusage.size);
  // Nobody else may reap it, so its number is as sure as a pidfd.
  const byPidfd = pidfd >= 0 && refusalOf('waitid by pidfd') === 0;
  const [type, id] = byPidfd ? [P.P_PIDFD, pidfd] : [P.P_PID, pid];
  let result: number;
  do {
    result = attempt('waitid', type, id, info, W.WEXITED, rusage);
  } while (result === -E.EINTR);
  const wallTime = Math.round(native.monotonicTime() - started);
  if (pidfd >= 0) close(pidfd);
  const { code, status } = readStruct(LAYOUT.siginfo, info);
  const usage = readStruct(LAYOUT.rusage, rusage);
  // ECHILD: somebody else reaped it, and the status is lost.
  return new ExitStatus(result < 0 ? 0 : code, status, {
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
}
