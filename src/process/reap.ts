/**
 * Waiting for a process on the thread that launched it.
 *
 * @module
 */
import { native } from '../native.js';
import { close } from '../syscall/call.js';
import { LAYOUT, W } from '../syscall/constants.js';
import { readStruct } from '../syscall/layout.js';
import { remember } from './explain.js';
import type { Unwatched } from './launching.js';
import { ExitStatus, ownMaxRss, unknownUsage } from './status.js';

/**
 * Waits until the process has ended, reaps it and closes its pidfd: waitid(2). With `pinned` its
 * group, session and tree can be reached until `unpin`: its pidfd stays open, and where that does not
 * serve it is not reaped yet.
 */
export function reap(child: Unwatched, pinned = false): ExitStatus {
  const { token, handle, parentPeak, started } = child;
  const info = new Uint8Array(LAYOUT.siginfo.size);
  const rusage = new Uint8Array(LAYOUT.rusage.size);
  const options = pinned && !handle.reachesGroupByPidfd ? W.WEXITED | W.WNOWAIT : W.WEXITED;
  const result = native.reapChild(token, info, options, rusage);
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
export function unpin({ token, handle }: Unwatched): void {
  if (!handle.reachesGroupByPidfd) {
    const [info, rusage] = [LAYOUT.siginfo, LAYOUT.rusage].map(({ size }) => new Uint8Array(size));
    native.reapChild(token, info as Uint8Array, W.WEXITED | W.WNOHANG, rusage as Uint8Array);
  }
  if (handle.pidfd >= 0) close(handle.pidfd);
}
