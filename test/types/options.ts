// What options take, and what they refuse.

import { PassThrough, Readable, Writable } from 'node:stream';
import {
  command,
  type LaunchOptions,
  lookPath,
  type RunOptions,
  run,
  runSync,
  type Signal,
  type SpawnOptions,
  type Stdio,
  spawn,
} from '#dist/index.js';

async function* asynchronously(): AsyncGenerator<string> {
  yield 'text';
}

function* generator(): Generator<Uint8Array> {
  yield new Uint8Array(1);
}

export const accepted: readonly Stdio[] = [
  'inherit',
  'null',
  'pipe',
  'stdout',
  'socket',
  7,
  { file: '/dev/null' },
  { file: new URL('file:///dev/null'), append: true, mode: 0o600, access: 'readwrite' },
  new Uint8Array(3),
  Buffer.from('bytes'),
  Readable.from(['a']),
  new PassThrough(),
  new ReadableStream<string>(),
  new ReadableStream<Uint8Array>(),
  new Blob(['a']).stream(),
  asynchronously(),
  generator(),
  ['lines\n', 'or chunks'],
  new Set(['a']),
  new Writable(),
  new WritableStream<Uint8Array>(),
  process.stdout,
];

export const refused: readonly Stdio[] = [
  // @ts-expect-error a descriptor is a number
  7n,
  // @ts-expect-error nothing is not the same as 'null'
  null,
  // @ts-expect-error nor is it here, where each is one of them
  undefined,
  // @ts-expect-error true means nothing
  true,
  // @ts-expect-error a file has a name
  { append: true },
  // @ts-expect-error there is no such access
  { file: 'x', access: 'execute' },
  // @ts-expect-error chunks are text or bytes
  [1, 2, 3],
  // @ts-expect-error an endpoint that takes numbers is no sink for bytes
  new WritableStream<number>(),
];

export const signals: readonly Signal[] = ['SIGTERM', 'SIGRTMIN', 'SIGRTMIN+5', 9];

export const refusedSignals: readonly Signal[] = [
  // @ts-expect-error signals have their full names
  'TERM',
  // @ts-expect-error not in lower case
  'sigterm',
];

/** Options that were made once and are not to be changed are taken as well. */
export function frozen(): void {
  const options = {
    fds: { 3: 'pipe', 4: [] },
    env: { A: 'b', C: undefined },
    stop: { steps: [['SIGINT', 1000], ['SIGKILL']] },
    signals: { ignore: ['SIGHUP'], mask: ['SIGUSR1'] },
  } as const;
  void run('true', options);
  void spawn('true', ['x'] as const, options);
  command('true', ['x'] as const, options).with(options);
  const args: readonly string[] = ['x'];
  void run('true', args);
}

export function mistakes(options: RunOptions): void {
  // @ts-expect-error a misspelt option
  void run('true', { timout: 5 });
  // @ts-expect-error a misspelt option, with arguments
  void run('true', [], { stdot: 'pipe' });
  // @ts-expect-error milliseconds are a number
  void run('true', { timeout: '5s' });
  // @ts-expect-error input is for run: spawn has stdin
  void spawn('true', { input: 'x' });
  // @ts-expect-error one word is no list of arguments
  void run('git', 'status');
  // @ts-expect-error arguments are strings
  void run('sleep', [5]);
  // @ts-expect-error a program has a name
  void run();
  // @ts-expect-error variables are strings
  void run('true', { env: { DEPTH: 5 } });
  // @ts-expect-error a step is a signal first, and then its time
  void run('true', { stop: { steps: [[1000, 'SIGTERM']] } });
  // @ts-expect-error there are two encodings, and the others are TextDecoder's
  void run('true', { encoding: 'latin1' });
  // @ts-expect-error lookPath knows a path and a directory
  lookPath('true', { env: {} });
  const launch: LaunchOptions = { umask: 0o22, session: true };
  const spawning: SpawnOptions = { ...launch, stdin: 'null' };
  const running: RunOptions = { ...spawning, ...options };
  void running;
}

/** What is written into the options has the types that they have. */
export function contextual(): void {
  const verbose = { verbose: (line: string) => void line };
  void run('true', verbose);
  void run('true', { verbose: (line) => void line.length });
  void run('true', [], { verbose: (line) => void line.length });
  void runSync('true', [], { verbose: (line) => void line.length });
  void spawn('true', { verbose: (line) => void line.length });
  const described = command('true', { verbose: (line) => void line.length });
  void described.with({ verbose: (line) => void line.length });
  void described.run({ verbose: (line) => void line.length });
  void described.runSync({ verbose: (line) => void line.length });
  void described.spawn({ verbose: (line) => void line.length });
  void described.pipe(described).run({ verbose: (line) => void line.length });
}

/** Whoever has an option only sometimes passes undefined, whatever the compiler is told of that. */
export function sometimes(signal: AbortSignal | undefined, cwd: string | undefined): void {
  const env = signal === undefined ? undefined : { A: '1' };
  void run('true', { signal, cwd, env, stdin: undefined, input: undefined, credential: undefined });
  void spawn('true', { signal, cwd, env, stdout: undefined, stop: undefined, umask: undefined });
  void command('true', { signal, cwd, env, rlimits: undefined }).run({ signal, lines: undefined });
}

/** A string is an iterable of strings, and no source: what is misspelt is found. */
export function misspelt(): void {
  // @ts-expect-error a misspelt 'pipe'
  void spawn('true', { stdout: 'pip' });
  // @ts-expect-error a misspelt 'null'
  void run('true', [], { stdin: 'nul', fds: { 3: ['a'] } });
}
