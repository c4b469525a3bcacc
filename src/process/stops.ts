/**
 * Stops and continuations of a child, which a pidfd does not tell.
 *
 * @module
 */
import { attempt } from '../syscall/call.js';
import { CLD, E, LAYOUT, P, SYS, TIOC, W } from '../syscall/constants.js';
import { readStruct } from '../syscall/layout.js';
import { syscall } from '../syscall/raw.js';
import { type SignalName, signalName } from '../syscall/signals.js';

/** That a process stopped, and by which signal, or that it goes on. */
export type JobChange =
  | { readonly kind: 'stopped'; readonly signal: SignalName }
  | { readonly kind: 'continued' };

/**
 * The stops and continuations of a child until its end: waitid(2). Takes a thread of the pool for
 * as long as the child lives.
 */
export async function* jobChanges(pid: number): AsyncGenerator<JobChange, void, undefined> {
  for (;;) {
    const info = new Uint8Array(LAYOUT.siginfo.size);
    // Looked at off the loop and taken here, so that its end is left for the spawner to reap.
    const look = W.WSTOPPED | W.WCONTINUED | W.WEXITED | W.WNOWAIT;
    const { errno } = await syscall(SYS.waitid, P.P_PID, pid, info, look, null);
    if (errno === E.EINTR) continue;
    const { code, status } = readStruct(LAYOUT.siginfo, info);
    if (errno !== 0) return;
    if (code === CLD.CLD_STOPPED) {
      attempt('waitid', P.P_PID, pid, null, W.WSTOPPED | W.WNOHANG, null);
      yield { kind: 'stopped', signal: signalName(status) };
    } else if (code === CLD.CLD_CONTINUED) {
      attempt('waitid', P.P_PID, pid, null, W.WCONTINUED | W.WNOHANG, null);
      yield { kind: 'continued' };
    } else {
      return; // ended, or traced: then its stops are its tracer's
    }
  }
}

const SIGTTOU_SET = new BigUint64Array([1n << 21n]);

/** Makes this process' group the foreground group of a terminal again, wherever it is now. */
export function takeTerminal(terminal: number): void {
  const SIG_SETMASK = 2;
  const SIG_BLOCK = 0;
  const before = new BigUint64Array(1);
  // From the background it would be stopped for it.
  attempt('rt_sigprocmask', SIG_BLOCK, SIGTTOU_SET, before, 8);
  attempt('ioctl', terminal, TIOC.TIOCSPGRP, new Int32Array([attempt('getpgid', 0)]));
  attempt('rt_sigprocmask', SIG_SETMASK, before, null, 8);
}

/** Takes a terminal back whenever its foreground child stops, and once it has ended. */
export async function lendTerminal(
  terminal: number,
  pid: number,
  ended: Promise<unknown>,
): Promise<void> {
  void ended.then(() => takeTerminal(terminal));
  for await (const { kind } of jobChanges(pid)) if (kind === 'stopped') takeTerminal(terminal);
}
