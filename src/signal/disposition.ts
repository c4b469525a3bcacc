/**
 * What this process does on signals, and which it blocks.
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

/** Whom `ignore` was called for, so that `reset` undoes it. */
const ignoredHere = new Set<number>();

function setAction(number: number, isIgnored: boolean): void {
  const error = native.setSignalAction(number, isIgnored);
  if (error > 0) throw new SystemError('sigaction', error);
}

function numbersOf(signals: readonly Signal[]): number[] {
  if (signals.length === 0) return table.map(({ number }) => number);
  return signals.map((signal, index) => checkSignal(`signals[${index}]`, signal));
}

/** Of a process that ignores SIGCHLD the kernel forgets how its children end. */
function canIgnore(number: number): boolean {
  return isCatchable(number) && number !== SIGCHLD;
}

/**
 * Ignores signals, for this process and the children it launches, SIGPIPE and SIGXFSZ too, which the
 * runtime ignores for itself alone. Ends every `notify` of this thread for them. None given: all that can be ignored, but for those
 * that are the runtime's.
 *
 * @throws TypeError for SIGKILL, SIGSTOP and signals of faults, and for SIGCHLD, since no status of a
 * child could be had any more.
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
    // Below the handler first: at no moment does the signal have its default action.
    setAction(number, true);
    ignoredHere.add(number);
    dropAll(number, true);
  }
}

/**
 * Undoes `notify` and `ignore`: signals are as they were before, or ignored if this process was
 * started so. None given: all.
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

/** Whether a signal is ignored now. */
export function ignored(signal: Signal): boolean {
  const number = checkSignal('signal', signal);
  return !watched(number) && ignores(native.signalAction(number));
}

/** The signals that this thread blocks: sigprocmask(2). */
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
 * Blocks signals on this thread: sigprocmask(2). Children that it launches have them blocked as well.
 *
 * On the main thread they wait until `unblock`: the other threads there are, which would take them
 * otherwise, are made to block them too. That leaves out SIGCHLD, which the runtime waits for, and
 * signals of faults. In a Worker another thread takes what is sent to the process.
 */
export function block(...signals: Signal[]): void {
  change(signals, true);
}

/** Unblocks signals on this thread, and those that wait come. */
export function unblock(...signals: Signal[]): void {
  change(signals, false);
}
