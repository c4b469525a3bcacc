/**
 * Puts back what the runtime undid.
 *
 * `forkexec node` loads this before every program, so it comes without the tables of constants.
 *
 * @module
 */
import { constants } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { native } from '../native.js';
import './listeners.js';
import { record } from './record.js';

const { SIGCHLD } = constants.signals;
const SIGNALS = 64;

/**
 * Ignores and blocks what was ignored and blocked when this process was started, if the launcher
 * started it. SIGCHLD is not ignored: the kernel would forget how its children end.
 */
export function restoreInherited(): void {
  // A Worker has all of it from the main thread, which may have changed it since.
  if (record === undefined || !isMainThread) return;
  for (let number = 1; number <= SIGNALS; number++) {
    const isIgnored = (record.ignored >> BigInt(number - 1)) & 1n;
    if (isIgnored && number !== SIGCHLD) native.setSignalAction(number, true);
  }
  if (record.blocked !== 0n) native.blockSignals(record.blocked, true);
}
