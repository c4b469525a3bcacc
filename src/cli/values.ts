/**
 * The flags of options that no step of a launch has: descriptors and times.
 *
 * @module
 */
import type { SpawnOptions, Stdio } from '../command/options.js';
import { Failure } from './exit.js';
import type { CommandFlag } from './flags.js';

const FILE_KINDS = {
  file: {},
  append: { append: true },
  read: { access: 'read' },
} as const;

/** What the descriptor `fd` is to be. */
function parseStdio(text: string, fd: number): Stdio {
  if (text === 'inherit' || text === 'null') return text;
  if (text === 'stdout' && fd === 2) return text;
  if (/^\d+$/.test(text)) return Number(text);
  const [, kind, path] = /^(file|append|read):(.+)$/s.exec(text) ?? [];
  const allowed = kind === 'file' || (kind === 'append' && fd > 0) || (kind === 'read' && fd > 2);
  if (allowed) return { file: path as string, ...FILE_KINDS[kind as keyof typeof FILE_KINDS] };
  if (kind === undefined && text.includes('/')) return { file: text };
  const words = ['inherit', 'null'];
  if (fd === 2) words.push('stdout');
  words.push('the number of a descriptor', 'file:PATH');
  if (fd > 0) words.push('append:PATH');
  if (fd > 2) words.push('read:PATH');
  throw new Failure(`must be ${words.join(', ')} or a path with a slash in it`);
}

function stdioFlag(fd: 0 | 1 | 2, description: string): CommandFlag {
  const name = (['stdin', 'stdout', 'stderr'] as const)[fd];
  return {
    flags: `--${name} <source>`,
    description,
    apply: (options, value) => ({
      ...options,
      [name]: parseStdio(value, fd),
    }),
  };
}

export const descriptorFlags: readonly CommandFlag[] = [
  stdioFlag(0, 'what the program reads: inherit (the default), null, a number, or file:PATH'),
  stdioFlag(1, 'where it writes: as for stdin, or append:PATH'),
  stdioFlag(2, 'where it writes errors: as for stdout, or stdout for the same place'),
  {
    flags: '--fd <n=source>',
    description: 'its descriptor n from 3 on: as for stdout, or read:PATH',
    repeatable: true,
    apply(options: SpawnOptions, value: string): SpawnOptions {
      const [, fd, source] = /^(\d+)=(.*)$/s.exec(value) ?? [];
      if (fd === undefined) throw new Failure('must be N=SOURCE, such as 3=null');
      const stdio = parseStdio(source as string, Math.max(Number(fd), 3));
      return { ...options, fds: { ...options.fds, [fd]: stdio } };
    },
  },
];

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

export const timeFlags: readonly CommandFlag[] = [
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
