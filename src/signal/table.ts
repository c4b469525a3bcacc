/**
 * What there is to know of each signal.
 *
 * @module
 */
import { SIG } from '../syscall/constants.js';
import { LAST_SIGNAL, type SignalName, signalDescription, signalName } from '../syscall/signals.js';

/** What the kernel does with a signal that nobody set an action for: signal(7). */
export type DefaultAction = 'terminate' | 'core' | 'stop' | 'continue' | 'ignore';

/**
 * What `notify` does with a signal when it is given none by name:
 * - `'catch'`: it is among "all that can be caught";
 * - `'ignore'`: it is not, since its default is to do nothing and it comes often;
 * - `'leave'`: it is left to the kernel or the runtime, and `notify` refuses those that can't be
 *   caught or tell of a fault of the program.
 */
export type SignalPolicy = 'catch' | 'ignore' | 'leave';

/** A signal of this platform. */
export interface SignalEntry {
  /** `'SIGHUP'`; real-time signals are SIGRTMIN, `'SIGRTMIN+1'` and so on. */
  readonly name: SignalName;
  /** What it is to the kernel. */
  readonly number: number;
  /** In the words of strsignal(3). */
  readonly description: string;
  /** What the kernel does when nobody set an action. */
  readonly default: DefaultAction;
  /** What `notify` does with it when it is given no names. */
  readonly policy: SignalPolicy;
  /** Whether system calls that a handler of this library interrupts are begun again: SA_RESTART. */
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

/** Faults of the program itself: going on behind the handler would repeat them. */
const FAULTS = new Set<SignalName>(['SIGILL', 'SIGBUS', 'SIGFPE', 'SIGSEGV', 'SIGTRAP', 'SIGSYS']);

/** The kernel lets nobody catch them. */
const UNCATCHABLE = new Set<SignalName>(['SIGKILL', 'SIGSTOP']);

/** V8's profiler and the sanitizers of the runtime have them. */
const RUNTIME = new Set<SignalName>(['SIGPROF', 'SIGSTKFLT']);

/** The numbers there are; libc keeps those between the standard and the real-time ones to itself. */
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

/** All signals of this platform by their numbers, the real-time ones as SIGRTMIN+n. */
export const table: readonly SignalEntry[] = NUMBERS.map(entryOf);
