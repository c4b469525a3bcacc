/**
 * Puts back the dispositions and the mask that the runtime reset.
 *
 * `forkexec node` loads this module before every program, so it does not import the tables of
 * constants.
 *
 * @module
 */
import { constants } from 'node:os';
import { native } from '../native.js';
import './listeners.js';
import { isMainThread } from '../thread.js';
import { record } from './record.js';

const { SIGCHLD } = constants.signals;
const SIGNALS = 64;

/**
 * Ignores and blocks the signals that were ignored and blocked when the launcher started this
 * process. SIGCHLD is not ignored, because the kernel would not keep the status of children.
 */
export function restoreInherited(): void {
  // A Worker inherits from the main thread, which may have changed the signals since.
  if (record === undefined || !isMainThread) return;
  for (let number = 1; number <= SIGNALS; number++) {
    const isIgnored = (record.ignored >> BigInt(number - 1)) & 1n;
    if (isIgnored && number !== SIGCHLD) native.setSignalAction(number, true);
  }
  if (record.blocked !== 0n) native.blockSignals(record.blocked, true);
}
