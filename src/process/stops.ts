/**
 * Stops and continuations of a child, which epoll does not tell of a pidfd.
 *
 * @module
 */
import { attempt, close } from '../syscall/call.js';
import { CLD, E, F, LAYOUT, P, SYS, W } from '../syscall/constants.js';
import { readStruct } from '../syscall/layout.js';
import { syscallLater } from '../syscall/raw.js';
import { type SignalName, signalName } from '../syscall/signals.js';
import type { Process } from './process.js';

/** That a process stopped, and by which signal, or that it goes on. */
export type JobChange =
  | { readonly kind: 'stopped'; readonly signal: SignalName }
  | { readonly kind: 'continued' };

/** A pidfd of its own, which stays this process' when it is reaped; -1 if it was. */
export function copyHandle(process: Process): number {
  try {
    return process.withHandle((pidfd) => attempt('fcntl', pidfd, F.F_DUPFD_CLOEXEC, 3));
  } catch {
    return -1;
  }
}

/**
 * The stops and continuations of a child until its end: waitid(2). Takes a thread of the pool for
 * as long as the child lives.
 */
export async function* jobChanges(process: Process): AsyncGenerator<JobChange, void, undefined> {
  const pidfd = copyHandle(process);
  if (pidfd < 0) return;
  try {
    for (;;) {
      const info = new Uint8Array(LAYOUT.siginfo.size);
      // Looked at off the loop and taken here, so that its end is left for the spawner to reap.
      const look = W.WSTOPPED | W.WCONTINUED | W.WEXITED | W.WNOWAIT;
      const { errno } = await syscallLater(SYS.waitid, P.P_PIDFD, pidfd, info, look, null);
      if (errno === E.EINTR) continue;
      const { code, status } = readStruct(LAYOUT.siginfo, info);
      if (errno !== 0) return;
      if (code === CLD.CLD_STOPPED) {
        attempt('waitid', P.P_PIDFD, pidfd, null, W.WSTOPPED | W.WNOHANG, null);
        yield { kind: 'stopped', signal: signalName(status) };
      } else if (code === CLD.CLD_CONTINUED) {
        attempt('waitid', P.P_PIDFD, pidfd, null, W.WCONTINUED | W.WNOHANG, null);
        yield { kind: 'continued' };
      } else {
        return; // ended, or traced: then its stops are its tracer's
      }
    }
  } finally {
    close(pidfd);
  }
}
