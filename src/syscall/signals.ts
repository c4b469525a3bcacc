/**
 * Signals by name and number.
 *
 * @module
 */
import { SIG, SIG_DESCRIPTION } from './constants.js';

type StandardSignal = Exclude<keyof typeof SIG_DESCRIPTION, 'SIGRTMIN' | 'SIGRTMAX'>;

/** A signal's name as in signal(7); real-time signals count from SIGRTMIN. */
export type SignalName = StandardSignal | 'SIGRTMIN' | `SIGRTMIN+${number}`;

/** A signal by name or number. */
export type Signal = SignalName | number;

const { SIGRTMIN, SIGRTMAX } = SIG;
const byName = SIG as Readonly<Record<string, number>>;
/**
 * The last signal that this library can name, because sets have 64 bits. FreeBSD's real-time
 * signals begin above that, and macOS has none.
 */
export const LAST_SIGNAL: number =
  SIGRTMAX === undefined ? Math.max(...Object.values(byName)) : Math.min(SIGRTMAX, 64);
let byNumber: Map<number, SignalName> | undefined;

/** The number of a signal, or undefined for an unknown name or number. */
export function findSignal(signal: unknown): number | undefined {
  if (typeof signal === 'number') {
    return Number.isInteger(signal) && signal > 0 && signal <= LAST_SIGNAL ? signal : undefined;
  }
  if (typeof signal !== 'string') return undefined;
  const realTime = /^SIGRTMIN\+(\d+)$/.exec(signal);
  if (realTime !== null) {
    const number = SIGRTMIN + Number(realTime[1]);
    return number <= LAST_SIGNAL ? number : undefined;
  }
  const number = Object.hasOwn(byName, signal) ? byName[signal] : undefined;
  return number === undefined || number > LAST_SIGNAL ? undefined : number;
}

/** The name of a signal's number. */
export function signalName(number: number): SignalName {
  if (typeof number === 'number' && number > SIGRTMIN) return `SIGRTMIN+${number - SIGRTMIN}`;
  byNumber ??= new Map(Object.entries(byName).map(([name, value]) => [value, name as SignalName]));
  return byNumber.get(number) ?? (`SIG${String(number)}` as SignalName);
}

/** The description of a signal as in strsignal(3): `'terminated'`. */
export function signalDescription(number: number): string {
  const name = signalName(number);
  return (SIG_DESCRIPTION as Readonly<Record<string, string>>)[name] ?? `signal ${String(number)}`;
}

/** A signal set in the kernel's form: bit n-1 for signal n. */
export function signalSet(numbers: Iterable<number>): bigint {
  let set = 0n;
  for (const number of numbers) set |= 1n << BigInt(number - 1);
  return set;
}
