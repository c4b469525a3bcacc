/**
 * The flags for the end of the program: how long it has, and how it is stopped.
 *
 * @module
 */
import type { SpawnOptions, StopOptions } from '../command/options.js';
import { toSignal } from '../launch/signals.js';
import type { Scope } from '../process/scope.js';
import type { Signal } from '../syscall/signals.js';
import { Failure } from './exit.js';
import type { CommandFlag } from './flags.js';

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds of `1.5s`, `200ms`, `2m`; a plain number is seconds, and 0 is never. */
export function parseDuration(text: string): number {
  const [, number, unit = 's'] = /^(\d+\.?\d*|\.\d+)(ms|[smhd])?$/.exec(text) ?? [];
  if (number === undefined) {
    throw new Failure('must be a duration: 5s, 200ms, 2m, 1h; or seconds');
  }
  const ms = Number(number) * UNIT_MS[unit as keyof typeof UNIT_MS];
  return ms === 0 ? Number.POSITIVE_INFINITY : ms;
}

function withStop(options: SpawnOptions, stop: StopOptions): SpawnOptions {
  return { ...options, stop: { ...options.stop, ...stop } };
}

export const stopFlags: readonly CommandFlag[] = [
  {
    flags: '--timeout <duration>',
    description: 'stop the program after this time: 5s, 200ms, 2m, 1h',
    apply: (options, value) => ({ ...options, timeout: parseDuration(value) }),
  },
  {
    flags: '--stop-signal <signal>',
    description: 'the signal that stops the program (default: TERM)',
    apply: (options, value) => withStop(options, { signal: toSignal(value) }),
  },
  {
    flags: '--kill-after <duration>',
    description: 'the time from that signal to SIGKILL (default: 5s; 0 is no limit)',
    apply: (options, value) => withStop(options, { grace: parseDuration(value) }),
  },
  {
    flags: '--stop-step <signal:duration>',
    description: 'instead of these two: a signal, and the time until the next step, as in INT:1s',
    repeatable: true,
    apply(options, value) {
      const [, signal = '', grace] = /^([^:]*)(?::(.*))?$/s.exec(value) ?? [];
      const step = [toSignal(signal), ...(grace === undefined ? [] : [parseDuration(grace)])];
      const steps = [...(options.stop?.steps ?? []), step as [Signal, number?]];
      return withStop(options, { steps });
    },
  },
  {
    flags: '--stop-scope <scope>',
    description:
      'the processes that are stopped: process, group, session, tree or cgroup (default: tree, ' +
      'the program and its descendants)',
    apply: (options, value) => withStop(options, { scope: value as Scope }),
  },
  {
    flags: '--lifetime <parent>',
    description: 'parent: kill the program and its descendants when forkexec ends',
    apply: (options, value) => ({ ...options, lifetime: value as 'parent' }),
  },
  {
    flags: '--detached',
    description:
      'start the program in a session of its own, with /dev/null as stdin, stdout and stderr ' +
      'unless given, and do not wait for it',
    apply: (options) => ({ ...options, detached: true }),
  },
];

function isLadder({ stop }: SpawnOptions): boolean {
  return stop?.signal !== undefined || stop?.grace !== undefined || stop?.steps !== undefined;
}

/** Refuses flags that have no meaning together. */
export function checkStopFlags(options: SpawnOptions): void {
  const { stop, timeout, detached } = options;
  if (detached && (timeout !== undefined || stop !== undefined)) {
    throw new Failure(
      '--detached cannot be combined with --timeout and --stop flags: it does not wait',
    );
  }
  if (stop?.steps !== undefined && (stop.signal !== undefined || stop.grace !== undefined)) {
    throw new Failure('--stop-step cannot be combined with --stop-signal or --kill-after');
  }
  if (!isLadder(options) || timeout !== undefined) return;
  const flag = stop?.steps ? '--stop-step' : stop?.signal ? '--stop-signal' : '--kill-after';
  throw new Failure(`${flag} needs a --timeout`);
}
