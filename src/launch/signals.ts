import { native } from '../native.js';
import { ACTION } from '../protocol.js';
import { checkSignals, invalid, refused } from '../syscall/check.js';
import { SIG, SIG_HOW, SYS } from '../syscall/constants.js';
import { type Signal, signalName, signalSet } from '../syscall/signals.js';
import type { Attribute, Flag } from './attribute.js';
import type { ProgramBuilder } from './program.js';
import type { TerminalOptions } from './terminal.js';
import { checkKeys } from './values.js';

/** Signals of the new process. */
export interface SignalOptions {
  /**
   * Dispositions and signal mask of the new process: signal(7).
   *
   * A signal that this process handles has its default action in the child, since the code of the
   * handler is gone. A signal that this process ignores stays ignored. JavaScript runtimes ignore
   * SIGPIPE and SIGXFSZ for their own purposes: the child ignores them only if `ignore` of
   * @forkexec/core/signal was called for them, or the launcher found them ignored. Default: no changes to
   * these rules.
   */
  signals?:
    | {
        /** Blocked signals. Default: `'inherit'`, the mask of the thread that launches. */
        mask?: 'inherit' | readonly Signal[] | undefined;
        /** Signals that are ignored, as nohup(1) does with SIGHUP. */
        ignore?: readonly Signal[] | undefined;
        /** Signals that have their default action, even if this process ignores them. */
        default?: readonly Signal[] | undefined;
      }
    | undefined;
}

const SET_SIZE = 8;
const SIG_DFL = 0n;
const SIG_IGN = 1n;
const { SIGKILL, SIGSTOP, SIGPIPE, SIGXFSZ } = SIG;

/** The numbers, none of which the kernel refuses to have set. */
function settable(option: string, signals: readonly Signal[] = []): Set<number> {
  const numbers = checkSignals(option, signals);
  for (const [index, number] of numbers.entries()) {
    if (number === SIGKILL || number === SIGSTOP) {
      throw invalid(
        `${option}[${index}]`,
        signals[index],
        'a signal whose disposition can be changed',
      );
    }
  }
  return new Set(numbers);
}

function setAction(
  program: ProgramBuilder<'sigaction'>,
  numbers: Iterable<number>,
  handler: bigint,
): void {
  // struct sigaction: handler, flags, restorer, mask
  const action = program.words([handler, 0n, 0n, 0n]);
  for (const number of numbers) {
    const step = { name: 'sigaction', argument: signalName(number) } as const;
    program.must(step, SYS.rt_sigaction, number, action, 0, SET_SIZE);
  }
}

/** Adds to one of the lists of `signals`. */
function add(list: 'mask' | 'ignore' | 'default'): Flag<SignalOptions>['apply'] {
  return (options, value) => {
    const before = options.signals?.[list];
    const signals = value.split(',').map((name) => toSignal(name));
    return {
      signals: {
        ...options.signals,
        [list]: [...(Array.isArray(before) ? before : []), ...signals],
      },
    };
  };
}

/** A signal as people write it on a command line: `TERM`, `SIGTERM`, `15`. */
export function toSignal(text: string): Signal {
  if (/^\d+$/.test(text)) return Number(text);
  const name = text.toUpperCase();
  return (name.startsWith('SIG') ? name : `SIG${name}`) as Signal;
}

/** First of all, while every signal is blocked: see also native/launch.c, which resets handlers. */
export const dispositions: Attribute<SignalOptions, ['sigaction']> = {
  options: ['signals'],
  steps: ['sigaction'],
  on: 'all',
  check({ signals }) {
    if (signals === undefined) return;
    checkKeys('signals', signals, ['mask', 'ignore', 'default']);
    const ignore = settable('signals.ignore', signals.ignore);
    for (const number of settable('signals.default', signals.default)) {
      if (!ignore.has(number)) continue;
      throw refused(
        'signals',
        `cannot both ignore ${signalName(number)} and reset it to its default`,
      );
    }
    const { mask = 'inherit' } = signals;
    if (typeof mask === 'string' && mask !== 'inherit') {
      throw invalid('signals.mask', mask, "'inherit' or an array of signals");
    }
    if (mask !== 'inherit') checkSignals('signals.mask', mask);
  },
  depends: () => [SIGPIPE, SIGXFSZ].map((number) => native.signalAction(number)).join(','),
  emit(program, { options: { signals } }) {
    const ignore = settable('signals.ignore', signals?.ignore);
    const reset = settable('signals.default', signals?.default);
    for (const number of [SIGPIPE, SIGXFSZ]) {
      const isAsked = native.signalAction(number) === ACTION.ignoredHere;
      if (!ignore.has(number) && !isAsked) reset.add(number);
    }
    setAction(program, reset, SIG_DFL);
    if (ignore.size > 0) setAction(program, ignore, SIG_IGN);
  },
  flags: [
    {
      flags: '--ignore-signal <signals>',
      description: 'ignore these signals in the program: HUP,INT',
      repeatable: true,
      apply: add('ignore'),
    },
    {
      flags: '--default-signal <signals>',
      description: 'put these signals back to their default action',
      repeatable: true,
      apply: add('default'),
    },
    {
      flags: '--block-signal <signals>',
      description: 'block these signals in the program',
      repeatable: true,
      apply: add('mask'),
    },
  ],
  trials: () => ({ signals: [{ options: { signals: { ignore: [10], mask: [12] } } }] }),
};

/** The flag of sigaction(2) that a handler comes with a restorer. */
const SA_RESTORER = 0x400_0000n;

/**
 * Drops the stop signals that the terminal sends from when it was given to the child until its program
 * runs: stopped before that, the child would hold up its launcher. The kernel drops what is ignored, and
 * those that come later call a handler that does nothing, instead of which execve sets the default action.
 */
function dropStops(
  program: ProgramBuilder<'sigprocmask'>,
  signals: SignalOptions['signals'],
): void {
  const ignored = settable('signals.ignore', signals?.ignore);
  const reset = settable('signals.default', signals?.default);
  const stops = [SIG.SIGTSTP, SIG.SIGTTIN, SIG.SIGTTOU].filter((number) => {
    const action = native.signalAction(number);
    const isInherited = action === ACTION.ignored || action === ACTION.ignoredHere;
    return !ignored.has(number) && (reset.has(number) || !isInherited);
  });
  const restorer = BigInt(native.idleRestorer());
  const flags = restorer === 0n ? 0n : SA_RESTORER;
  const idle = [BigInt(native.idleHandler()), flags, restorer, 0n];
  for (const words of [[SIG_IGN, 0n, 0n, 0n], idle]) {
    const action = program.words(words);
    // A failure would change nothing but what becomes of a signal that was sent meanwhile.
    for (const number of stops) {
      program.ignore({ name: 'sigprocmask' }, SYS.rt_sigaction, number, action, 0, SET_SIZE);
    }
  }
}

/** Last of all: from here on a pending signal ends the child before its program runs. */
export const mask: Attribute<object, ['sigprocmask'], SignalOptions & TerminalOptions> = {
  options: [],
  steps: ['sigprocmask'],
  on: 'all',
  depends: () => native.signalMask(),
  emit(program, { options: { signals, foreground } }) {
    if (foreground !== undefined) dropStops(program, signals);
    const wanted = signals?.mask ?? 'inherit';
    const set =
      wanted === 'inherit' ? native.signalMask() : signalSet(checkSignals('signals.mask', wanted));
    const address = program.words([set]);
    const step = { name: 'sigprocmask' } as const;
    program.must(step, SYS.rt_sigprocmask, SIG_HOW.SIG_SETMASK, address, 0, SET_SIZE);
  },
};
