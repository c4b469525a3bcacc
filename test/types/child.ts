// The streams of a child, by the options that it was started with.

import type { Duplex, Readable, Writable } from 'node:stream';
import { type Child, type ExitStatus, type SpawnOptions, spawn } from '#dist/index.js';
import type { Equal, Expect } from './expect.js';

type Streams<C> = C extends { stdin: infer I; stdout: infer O; stderr: infer E }
  ? [I, O, E]
  : never;

export async function byOptions(): Promise<void> {
  const inherited = await spawn('cat');
  const withArguments = await spawn('cat', ['-n']);
  const other = await spawn('cat', { cwd: '/', timeout: 5 });
  type _1 = Expect<Equal<Streams<typeof inherited>, [null, null, null]>>;
  type _2 = Expect<Equal<Streams<typeof withArguments>, [null, null, null]>>;
  type _3 = Expect<Equal<Streams<typeof other>, [null, null, null]>>;

  const piped = await spawn('cat', { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' });
  type _4 = Expect<Equal<Streams<typeof piped>, [Writable, Readable, Readable]>>;
  const some = await spawn('cat', ['-n'], { stdout: 'pipe', stderr: 'inherit' });
  type _5 = Expect<Equal<Streams<typeof some>, [null, Readable, null]>>;
  const socket = await spawn('cat', { stdin: 'socket', stdout: 'socket', stderr: 'socket' });
  type _6 = Expect<Equal<Streams<typeof socket>, [Duplex, Duplex, Duplex]>>;

  // None of the others has a stream of ours.
  const none = await spawn('cat', {
    stdin: 'null',
    stdout: { file: '/dev/null' },
    stderr: 'stdout',
  });
  type _7 = Expect<Equal<Streams<typeof none>, [null, null, null]>>;
  const numbers = await spawn('cat', { stdin: 0, stdout: 1, stderr: process.stderr });
  type _8 = Expect<Equal<Streams<typeof numbers>, [null, null, null]>>;
  const given = await spawn('cat', { stdin: ['a', 'b'], stdout: process.stdout });
  type _9 = Expect<Equal<Streams<typeof given>, [null, null, null]>>;
}

/** What is only known when it runs has either type. */
export async function unknown(way: 'pipe' | 'inherit', options: SpawnOptions): Promise<void> {
  const either = await spawn('cat', { stdin: way, stdout: way });
  type _1 = Expect<Equal<Streams<typeof either>, [Writable | null, Readable | null, null]>>;
  const any = await spawn('cat', options);
  type _2 = Expect<
    Equal<
      Streams<typeof any>,
      [Writable | Duplex | null, Readable | Duplex | null, Readable | Duplex | null]
    >
  >;
}

export async function members(): Promise<void> {
  await using child = await spawn('cat', { stdin: 'pipe', fds: { 3: 'pipe' } });
  type _1 = Expect<Equal<typeof child.pid, number>>;
  type _2 = Expect<Equal<typeof child.exited, Promise<ExitStatus>>>;
  type _3 = Expect<Equal<typeof child.closed, Promise<ExitStatus>>>;
  type _4 = Expect<Equal<ReturnType<typeof child.kill>, boolean>>;
  type _5 = Expect<Equal<ReturnType<typeof child.lines>, AsyncIterable<string>>>;
  type _6 = Expect<Equal<typeof child.fds, ReadonlyMap<number, Readable | Duplex>>>;
  child.on('stopped', (signal) => signal?.startsWith('SIG'));
  child.kill('SIGRTMIN+3', { scope: 'group' });
  child.stdin.write('no question mark is needed');
  // @ts-expect-error stdout was not asked for: there is none
  child.stdout.read();
  // @ts-expect-error a child's pid is what it is
  child.pid = 5;
  // @ts-expect-error its streams are not to be replaced
  child.stdin = null;
  // @ts-expect-error descriptors are read by number, not added
  child.fds.set(3, child.stdin);
  // @ts-expect-error there is no such event: its end is `exited`
  child.on('exit', () => {});
  // @ts-expect-error a misspelt signal
  child.kill('SIGTREM');
  // @ts-expect-error no such scope
  child.kill('SIGTERM', { scope: 'everybody' });
  // @ts-expect-error no such stream
  child.lines({ from: 'stdin' });
}

/** Any child can be given to who wants some child. */
export async function assignable(): Promise<void> {
  const wants = (child: Child): number => child.pid;
  const wantsOutput = (child: { stdout: Readable }): Readable => child.stdout;
  const piped = await spawn('cat', { stdout: 'pipe' });
  wants(await spawn('cat'));
  wants(piped);
  wants(await spawn('cat', { stdin: 'socket', stdout: 'pipe', fds: { 3: 'pipe' }, timeout: 5 }));
  const all: Child[] = [piped, await spawn('cat', { stderr: 'pipe' })];
  void all;
  wantsOutput(piped);
  // @ts-expect-error this one has no stdout to read
  wantsOutput(await spawn('cat'));
}

/** By its streams, and by nothing else. */
export function fitting(
  piped: Child<{ stdout: 'pipe'; cwd: '/' }>,
  same: Child<{ readonly stdout: 'pipe' }>,
  silent: Child<{ stdout: 'null' }>,
  any: Child,
): void {
  let one: Child<{ stdout: 'pipe' }> = piped;
  one = same;
  // @ts-expect-error it has no stdout
  one = silent;
  // @ts-expect-error it may have none
  one = any;
  void one;
}

/** A function around spawn passes its options on, and the types with them. */
export async function wrapped<const O extends SpawnOptions>(given: O): Promise<Child<O>> {
  const child = await spawn('cat', given);
  return child;
}

export async function wrapper(): Promise<void> {
  const child = await wrapped({ stdout: 'pipe' });
  type _1 = Expect<Equal<Streams<typeof child>, [null, Readable, null]>>;
}
