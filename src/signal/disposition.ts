/**
 * The dispositions of signals in this process, and its mask.
 *
 * @module
 */

import { native } from '../native.js';
import { ACTION } from '../protocol.js';
import { checkSignal, checkSignals, invalid } from '../syscall/check.js';
import { SIG } from '../syscall/constants.js';
import { SystemError } from '../syscall/errors.js';
import { type Signal, type SignalName, signalName, signalSet } from '../syscall/signals.js';
import { dropAll, watched } from './hub.js';
import { inherited } from './inherited.js';
import { isCatchable, table } from './table.js';

const { SIGCHLD } = SIG;

/** The signals that `ignore` was called for, so that `reset` undoes it. */
const ignoredHere = new Set<number>();

function setAction(number: number, isIgnored: boolean): void {
  const error = native.setSignalAction(number, isIgnored);
  if (error > 0) throw new SystemError('sigaction', error);
}

function numbersOf(signals: readonly Signal[]): number[] {
  if (signals.length === 0) return table.map(({ number }) => number);
  return signals.map((signal, index) => checkSignal(`signals[${index}]`, signal));
}

/** The kernel keeps no status of the children of a process that ignores SIGCHLD. */
function canIgnore(number: number): boolean {
  return isCatchable(number) && number !== SIGCHLD;
}

/**
 * Ignores signals in this process and in the children that it launches; also SIGPIPE and SIGXFSZ,
 * which the runtime ignores for itself alone. Ends every `notify` of this thread for these signals.
 * Without arguments it ignores all signals that can be ignored, except those that the runtime uses.
 *
 * @throws TypeError for SIGKILL, SIGSTOP and signals of faults, and for SIGCHLD, because the kernel
 * would not keep the status of children.
 */
export function ignore(...signals: Signal[]): void {
  const numbers =
    signals.length > 0
      ? numbersOf(signals)
      : table.filter(({ policy }) => policy !== 'leave').map(({ number }) => number);
  for (const [index, number] of numbers.entries()) {
    if (canIgnore(number) || signals.length === 0) continue;
    throw invalid(`signals[${index}]`, signals[index], 'a signal that can be ignored');
  }
  for (const number of numbers.filter(canIgnore)) {
    // Below the handler first, so that the signal never has its default action.
    setAction(number, true);
    ignoredHere.add(number);
    dropAll(number, true);
  }
}

/**
 * Undoes `notify` and `ignore`: signals get back their earlier disposition, or are ignored if this
 * process was started with them ignored. Without arguments it resets all signals.
 */
export function reset(...signals: Signal[]): void {
  for (const number of numbersOf(signals)) {
    if (ignoredHere.delete(number)) {
      setAction(number, inherited.ignored.includes(signalName(number)));
    }
    dropAll(number, false);
  }
}

function ignores(action: number): boolean {
  return action === ACTION.ignored || action === ACTION.ignoredHere;
}

/** Whether a signal is ignored at present. */
export function ignored(signal: Signal): boolean {
  const number = checkSignal('signal', signal);
  return !watched(number) && ignores(native.signalAction(number));
}

/** The signals that the calling thread blocks: sigprocmask(2). */
export function mask(): SignalName[] {
  const set = native.signalMask();
  return table.filter(({ number }) => (set >> BigInt(number - 1)) & 1n).map(({ name }) => name);
}

function change(signals: readonly Signal[], isBlocked: boolean): void {
  const set = signalSet(checkSignals('signals', signals));
  const error = native.blockSignals(set, isBlocked);
  if (error !== 0) throw new SystemError('sigprocmask', error);
}

/**
 * Blocks signals on the calling thread: sigprocmask(2). Children that it launches inherit the mask.
 *
 * On the main thread blocked signals stay pending until `unblock`: all other threads block them
 * too, as they would take them otherwise. The exceptions are SIGCHLD, which the runtime waits for,
 * and signals of faults. In a Worker another thread takes signals that are sent to the process.
 */
export function block(...signals: Signal[]): void {
  change(signals, true);
}

/** Unblocks signals on the calling thread; pending ones are delivered. */
export function unblock(...signals: Signal[]): void {
  change(signals, false);
}
