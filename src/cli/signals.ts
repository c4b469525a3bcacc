/**
 * Signals that forkexec gets while a program runs.
 *
 * @module
 */
import type { Child } from '../command/child.js';
import type { SpawnOptions } from '../command/options.js';
import { attempt } from '../syscall/call.js';
import { TIOC } from '../syscall/constants.js';
import type { SignalName } from '../syscall/signals.js';

const PASSED: readonly SignalName[] = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'];
/** What a terminal sends, for ^C and ^\, to all of its foreground group. */
const KEYS: readonly SignalName[] = ['SIGINT', 'SIGQUIT'];

/** Whether stdin is the terminal whose keys this process' group gets. */
function inForeground(): boolean {
  const group = new Int32Array(1);
  return attempt('ioctl', 0, TIOC.TIOCGPGRP, group) === 0 && group[0] === attempt('getpgid', 0);
}

/**
 * From here on signals do not end forkexec, which has a status to wait for. The function it returns
 * tells who gets them, and those that came before.
 */
export function holdSignals({ session, processGroup }: SpawnOptions): (child: Child) => void {
  const sameGroup = session === undefined && processGroup === undefined;
  const early: SignalName[] = [];
  let deliver = (name: SignalName): void => {
    early.push(name);
  };
  for (const name of PASSED) process.on(name, () => deliver(name));
  for (const name of KEYS) {
    process.on(name, () => {
      if (!(sameGroup && inForeground())) deliver(name);
    });
  }
  return (child) => {
    deliver = (name) => {
      try {
        child.kill(name);
      } catch {
        // EPERM: it has become another user's, and only they may signal it
      }
    };
    for (const name of early) deliver(name);
  };
}
