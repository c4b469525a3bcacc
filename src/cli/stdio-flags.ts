/**
 * The flags for the descriptors of the program.
 *
 * @module
 */
import type { FileStdio, SpawnOptions, Stdio } from '../command/options.js';
import { Failure } from './exit.js';
import type { CommandFlag } from './flags.js';

type Kind = 'file' | 'read' | 'write' | 'append' | 'readwrite';

const OPTIONS_OF: Readonly<Record<Kind, Omit<FileStdio, 'file'>>> = {
  file: {}, // stdin reads, stdout and stderr write
  read: { access: 'read' },
  write: { access: 'write' },
  append: { access: 'write', append: true },
  readwrite: { access: 'readwrite' }, // does not empty it, as 3<>file of a shell does not
};

/** What a file can be opened for at stdin, stdout, stderr and above. */
const KINDS: readonly (readonly Kind[])[] = [
  ['file', 'read'],
  ['file', 'write', 'append'],
  ['file', 'write', 'append'],
  ['read', 'write', 'append', 'readwrite'],
];

/** What the descriptor `fd` of the program is to be. */
function parseStdio(text: string, fd: number): Stdio {
  if (text === 'inherit' || text === 'null') return text;
  if (text === 'stdout' && fd === 2) return text;
  if (/^\d+$/.test(text)) return Number(text);
  const kinds = KINDS[Math.min(fd, 3)] as readonly Kind[];
  const [, prefix, rest] = /^(\w+):(.+)$/s.exec(text) ?? [];
  const kind = kinds.find((each) => each === prefix);
  if (kind !== undefined) return { file: rest as string, ...OPTIONS_OF[kind] };
  const path = prefix === 'file' ? rest : prefix === undefined && text.includes('/') ? text : '';
  if (path && fd <= 2) return { file: path };
  if (path) {
    throw new Failure(
      `must say what the file is for: ${fd}=read:${path}, ${fd}=append:${path}, ` +
        `${fd}=readwrite:${path}, or ${fd}=write:${path}, which empties it first`,
    );
  }
  const words = ['inherit', 'null', ...(fd === 2 ? ['stdout'] : []), 'a descriptor number'];
  words.push(...kinds.map((each) => `${each}:PATH`));
  const last = fd > 2 ? words.pop() : 'a path with a slash in it';
  throw new Failure(`must be ${words.join(', ')} or ${last}`);
}

function stdioFlag(fd: 0 | 1 | 2, description: string): CommandFlag {
  const name = (['stdin', 'stdout', 'stderr'] as const)[fd];
  return {
    flags: `--${name} <source>`,
    description,
    apply: (options, value) => ({ ...options, [name]: parseStdio(value, fd) }),
  };
}

export const stdioFlags: readonly CommandFlag[] = [
  stdioFlag(
    0,
    'where the program reads: inherit (the default), null, a descriptor number, file:PATH',
  ),
  stdioFlag(1, 'where the program writes: as for --stdin, or append:PATH'),
  stdioFlag(2, 'where the program writes errors: as for --stdout, or stdout for the same place'),
  {
    flags: '--fd <n=source>',
    description:
      'descriptor n of the program, from 3 on: inherit, null, a descriptor number, read:PATH, ' +
      'write:PATH, append:PATH or readwrite:PATH',
    repeatable: true,
    apply(options: SpawnOptions, value: string): SpawnOptions {
      const [, fd, source] = /^(\d+)=(.*)$/s.exec(value) ?? [];
      if (fd === undefined) throw new Failure('must be N=SOURCE, such as 3=null');
      const stdio = parseStdio(source as string, Math.max(Number(fd), 3));
      return { ...options, fds: { ...options.fds, [fd]: stdio } };
    },
  },
];
