/**
 * What this process does on signals, and which it blocks.
 *
 * @module
 */
import { checkSignal, invalid } from '../launch/check.js';
import { native } from '../native.js';
import { call } from '../syscall/call.js';
import { SIG_HOW } from '../syscall/constants.js';
import { SystemError } from '../syscall/errors.js';
import { type Signal, type SignalName, signalName, signalSet } from '../syscall/signals.js';
import { inherited } from './inherited.js';
import { dropAll, watched } from './notify.js';
import { isCatchable, table } from './table.js';

/** enum signal_action of native/signals.h. */
const IGNORED = 1;

/** Whom `ignore` was called for, so that `reset` undoes it. */
const ignoredHere = new Set<number>();

function numbersOf(signals: readonly Signal[]): number[] {
  if (signals.length > 0) return signals.map((signal, index) => checkSignal(`[${index}]`, signal));
  return table.filter(({ policy }) => policy !== 'leave').map(({ number }) => number);
}

function setIgnored(number: number, ignored: boolean): void {
  const error = native.setSignalAction(number, ignored);
  if (error > 0) throw new SystemError('sigaction', error);
}

/**
 * Ignores signals, for this process and the children it launches; ends every `notify` for them. None
 * given: all that can be caught.
 *
 * @throws TypeError for SIGKILL, SIGSTOP and signals of faults.
 */
export function ignore(...signals: Signal[]): void {
  const numbers = numbersOf(signals);
  for (const number of numbers) {
    const name = signalName(number);
    if (!isCatchable(name)) throw invalid('signal', name, 'one that can be ignored');
  }
  for (const number of numbers) {
    dropAll(number);
    setIgnored(number, true);
    ignoredHere.add(number);
  }
}

/**
 * Undoes `notify` and `ignore`: signals are as this process was started with them, ignored or at
 * their default action. None given: all.
 */
export function reset(...signals: Signal[]): void {
  for (const number of numbersOf(signals)) {
    dropAll(number);
    if (!ignoredHere.delete(number)) continue;
    setIgnored(number, inherited.ignored.includes(signalName(number)));
  }
}

/** Whether a signal is ignored now. */
export function ignored(signal: Signal): boolean {
  const number = checkSignal('signal', signal);
  return !watched(number) && native.signalAction(number) === IGNORED;
}

/** The signals that this thread blocks: sigprocmask(2). */
export function mask(): SignalName[] {
  const set = native.signalMask();
  return table.filter(({ number }) => (set >> BigInt(number - 1)) & 1n).map(({ name }) => name);
}

function change(how: number, signals: readonly Signal[]): void {
  const numbers = signals.map((signal, index) => checkSignal(`[${index}]`, signal));
  const set = new BigUint64Array([signalSet(numbers)]);
  call('rt_sigprocmask', how, set, null, 8);
}

/** Blocks signals on this thread: they wait, unless another thread of the process takes them. */
export function block(...signals: Signal[]): void {
  change(SIG_HOW.SIG_BLOCK, signals);
}

/** Unblocks signals on this thread. */
export function unblock(...signals: Signal[]): void {
  change(SIG_HOW.SIG_UNBLOCK, signals);
}
