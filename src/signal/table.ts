/**
 * The signals of the running platform and their properties.
 *
 * @module
 */
import { SIG } from '../syscall/constants.js';
import { LAST_SIGNAL, type SignalName, signalDescription, signalName } from '../syscall/signals.js';

/** The action of the kernel for a signal without a handler: signal(7). */
export type DefaultAction = 'terminate' | 'core' | 'stop' | 'continue' | 'ignore';

/**
 * What `notify` without arguments does with a signal:
 * - `'catch'`: the signal is in the stream;
 * - `'ignore'`: the signal is not in the stream, because it is ignored by default and arrives
 * often;
 * - `'leave'`: the signal is left to the kernel or the runtime, and `notify` refuses it by name if
 * it
 *   cannot be caught or reports a fault of the program.
 */
export type SignalPolicy = 'catch' | 'ignore' | 'leave';

/** A signal of this platform. */
export interface SignalEntry {
  /** `'SIGHUP'`; real-time signals are SIGRTMIN, `'SIGRTMIN+1'` and so on. */
  readonly name: SignalName;
  /** The kernel's number of the signal. */
  readonly number: number;
  /** The description of strsignal(3). */
  readonly description: string;
  /** The action of the kernel without a handler. */
  readonly default: DefaultAction;
  /** What `notify` without arguments does with the signal. */
  readonly policy: SignalPolicy;
  /** Whether system calls that this library's handler interrupts are restarted: SA_RESTART. */
  readonly restart: boolean;
}

const CORE = new Set<string>([
  'SIGEMT',
  'SIGQUIT',
  'SIGILL',
  'SIGTRAP',
  'SIGABRT',
  'SIGBUS',
  'SIGFPE',
  'SIGSEGV',
  'SIGXCPU',
  'SIGXFSZ',
  'SIGSYS',
]);
const STOP = new Set<SignalName>(['SIGSTOP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU']);
const IGNORE = new Set<string>(['SIGCHLD', 'SIGURG', 'SIGWINCH']);
/** On macOS and the BSDs, which have SIGINFO. */
if ('SIGINFO' in SIG) for (const name of ['SIGINFO', 'SIGIO']) IGNORE.add(name);

/** Faults of the program itself: a return from the handler would repeat them. */
const FAULTS = new Set<SignalName>(['SIGILL', 'SIGBUS', 'SIGFPE', 'SIGSEGV', 'SIGTRAP', 'SIGSYS']);

/** Signals that the kernel does not let a process catch. */
const UNCATCHABLE = new Set<SignalName>(['SIGKILL', 'SIGSTOP']);

/** Signals that V8's profiler and the runtime's sanitizers use. */
const RUNTIME = new Set<SignalName>(['SIGPROF', 'SIGSTKFLT']);

/**
 * All signal numbers, without those between standard and real-time signals, which libc reserves.
 */
const NUMBERS: readonly number[] = [
  ...new Set(Object.entries(SIG).flatMap(([name, n]) => (name.startsWith('SIGRT') ? [] : [n]))),
  ...Array.from({ length: LAST_SIGNAL - SIG.SIGRTMIN + 1 }, (_, index) => SIG.SIGRTMIN + index),
].sort((a, b) => a - b);

/** Whether a signal can be caught at all. */
export function isCatchable(number: number): boolean {
  const name = signalName(number);
  return NUMBERS.includes(number) && !UNCATCHABLE.has(name) && !FAULTS.has(name);
}

function policyOf(number: number): SignalPolicy {
  const name = signalName(number);
  if (!isCatchable(number) || RUNTIME.has(name)) return 'leave';
  return IGNORE.has(name) ? 'ignore' : 'catch';
}

function defaultOf(name: SignalName): DefaultAction {
  if (CORE.has(name)) return 'core';
  if (STOP.has(name)) return 'stop';
  if (IGNORE.has(name)) return 'ignore';
  return name === 'SIGCONT' ? 'continue' : 'terminate';
}

function entryOf(number: number): SignalEntry {
  const name = signalName(number);
  const description =
    number >= SIG.SIGRTMIN
      ? `real-time signal ${number - SIG.SIGRTMIN}`
      : signalDescription(number);
  return {
    name,
    number,
    description,
    default: defaultOf(name),
    policy: policyOf(number),
    restart: isCatchable(number),
  };
}

/** All signals of this platform in the order of their numbers; real-time signals are SIGRTMIN+n. */
export const table: readonly SignalEntry[] = NUMBERS.map(entryOf);
