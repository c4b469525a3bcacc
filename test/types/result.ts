// What run and runSync give, by the options that they are given.

import {
  type ExitError,
  type ExitStatus,
  type Result,
  type RunOptions,
  run,
  runSync,
} from '#dist/index.js';
import type { Equal, Expect } from './expect.js';

type Stdout<T> = T extends { stdout: infer S } ? S : never;
type Stderr<T> = T extends { stderr: infer E } ? E : never;
type Both<T> = T extends { stdout: infer S; stderr: infer E } ? [S, E] : never;

export async function byOptions(): Promise<void> {
  // Text, unless it is asked for otherwise.
  const plain = await run('ls');
  const withArguments = await run('ls', ['-l']);
  const withOptions = await run('ls', { cwd: '/' });
  const withBoth = await run('ls', ['-l'], { cwd: '/', timeout: 5 });
  const utf8 = await run('ls', { encoding: 'utf8' });
  const noLines = await run('ls', { lines: false });
  type _1 = Expect<Equal<Both<typeof plain>, [string, string]>>;
  type _2 = Expect<Equal<Both<typeof withArguments>, [string, string]>>;
  type _3 = Expect<Equal<Both<typeof withOptions>, [string, string]>>;
  type _4 = Expect<Equal<Both<typeof withBoth>, [string, string]>>;
  type _5 = Expect<Equal<Both<typeof utf8>, [string, string]>>;
  type _6 = Expect<Equal<Both<typeof noLines>, [string, string]>>;

  const bytes = await run('ls', { encoding: 'buffer' });
  const bytesToo = await run('ls', [], { encoding: 'buffer', reject: false });
  type _7 = Expect<Equal<Stdout<typeof bytes>, Uint8Array>>;
  type _8 = Expect<Equal<Stderr<typeof bytesToo>, Uint8Array>>;

  const lines = await run('ls', { lines: true });
  const linesToo = await run('ls', [], { lines: true, maxBuffer: 5 });
  type _9 = Expect<Equal<Both<typeof lines>, [string[], string[]]>>;
  type _10 = Expect<Equal<Both<typeof linesToo>, [string[], string[]]>>;

  // The rest is the same for all.
  type _11 = Expect<Equal<(typeof lines)['status'], ExitStatus>>;
  type _12 = Expect<Equal<(typeof bytes)['durationMs'], number>>;
  type _13 = Expect<Equal<(typeof plain)['command'], string>>;
}

/** Of options that are only known when it runs, all that they can mean. */
export async function unknown(given: RunOptions, lines: boolean): Promise<void> {
  const any = await run('ls', given);
  type _1 = Expect<Equal<Stdout<typeof any>, string | Uint8Array | string[]>>;
  const either = await run('ls', { lines });
  type _2 = Expect<Equal<Stdout<typeof either>, string | string[]>>;
  const plain: Result = await run('ls', { cwd: '/' });
  void plain;
}

export function synchronous(): void {
  const plain = runSync('ls');
  const bytes = runSync('ls', ['-l'], { encoding: 'buffer' });
  const lines = runSync('ls', { lines: true });
  type _1 = Expect<Equal<Stdout<typeof plain>, string>>;
  type _2 = Expect<Equal<Stdout<typeof bytes>, Uint8Array>>;
  type _3 = Expect<Equal<Stdout<typeof lines>, string[]>>;
}

/** Options from elsewhere keep what is known of them. */
export async function options(): Promise<void> {
  const asBytes = { encoding: 'buffer', cwd: '/' } as const;
  const bytes = await run('ls', asBytes);
  type _1 = Expect<Equal<Stdout<typeof bytes>, Uint8Array>>;
  const asLines = { lines: true } as const satisfies RunOptions;
  const lines = await run('ls', [], asLines);
  type _2 = Expect<Equal<Stdout<typeof lines>, string[]>>;
}

/** A function around run passes its options on, and the types with them. */
export function wrapped<const O extends RunOptions>(given: O): Promise<Result<O>> {
  return run('ls', [], given);
}

export async function wrapper(): Promise<void> {
  const lines = await wrapped({ lines: true });
  type _1 = Expect<Equal<Stdout<typeof lines>, string[]>>;
}

export function readonly(result: Result, error: ExitError, status: ExitStatus): void {
  // @ts-expect-error what a command wrote is not to be changed
  result.stdout = '';
  // @ts-expect-error nor is how it ended
  result.status = status;
  // @ts-expect-error nor is an error's
  error.command = '';
  // @ts-expect-error a status is what was, for good
  status.code = 0;
  // @ts-expect-error nor are the streams that were held
  status.held.push({ stream: 'stdout', pids: [] });
}
