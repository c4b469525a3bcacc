/**
 * The flags for the end of the program: how long it has, and how it is stopped.
 *
 * @module
 */
import { Failure } from './exit.js';
import type { CommandFlag } from './flags.js';

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds of `1.5s`, `200ms`, `2m`; a plain number is seconds, and 0 is never. */
function parseDuration(text: string): number {
  const [, number, unit = 's'] = /^(\d+\.?\d*|\.\d+)(ms|[smhd])?$/.exec(text) ?? [];
  if (number === undefined) {
    throw new Failure('must be a duration: 5s, 200ms, 2m, 1h; or seconds');
  }
  const ms = Number(number) * UNIT_MS[unit as keyof typeof UNIT_MS];
  return ms === 0 ? Number.POSITIVE_INFINITY : ms;
}

export const stopFlags: readonly CommandFlag[] = [
  {
    flags: '--timeout <duration>',
    description: 'after this time end it by SIGTERM: 5s, 200ms, 2m, 1h',
    apply: (options, value) => ({ ...options, timeout: parseDuration(value) }),
  },
  {
    flags: '--kill-after <duration>',
    description: 'and after this much more by SIGKILL (default: 5s)',
    apply: (options, value) => {
      return { ...options, stop: { grace: parseDuration(value) } };
    },
  },
];
