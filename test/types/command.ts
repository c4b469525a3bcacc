// Commands as values, templates and pipelines.

import type { Duplex, Readable, Writable } from 'node:stream';
import {
  $,
  type Child,
  type Command,
  command,
  type Pipeline,
  type PipelineResult,
  type Result,
  withOptions,
} from '#dist/index.js';
import type { Equal, Expect } from './expect.js';

export async function awaiting(): Promise<void> {
  const script = $`git log -n ${1} ${['a', 'b']}`;
  const result = await script;
  type _1 = Expect<Equal<(typeof result)['stdout'], string>>;
  const same = await script.run();
  type _2 = Expect<Equal<typeof result, typeof same>>;
  const length = await script.then(({ stdout }) => stdout.length);
  type _3 = Expect<Equal<typeof length, number>>;
  const [one, two] = await Promise.all([$`true`, $`true`]);
  type _4 = Expect<Equal<(typeof one)['stdout'], string>>;
  type _5 = Expect<Equal<typeof one, typeof two>>;
  // Still to be awaited, and not only a command.
  const configured = await $`true`.with({ cwd: '/' });
  type _6 = Expect<Equal<(typeof configured)['stdout'], string>>;
}

/** Options that were bound to `$` decide what its commands and their stages collect. */
export async function bound(): Promise<void> {
  const bytes = await $({ encoding: 'buffer' })`ls`;
  type _1 = Expect<Equal<(typeof bytes)['stdout'], Uint8Array>>;
  const piped = await $.with({ lines: true })`ls`.pipe`sort`;
  type _2 = Expect<Equal<(typeof piped)['stdout'], string[]>>;
  const mixed = await $`ls`.pipe(command('cat', { encoding: 'buffer' })).pipe`sort`;
  type _3 = Expect<Equal<(typeof mixed)['stdout'], string>>;
  type _4 = Expect<Equal<Stdout<(typeof mixed.stages)[number]>, string | Uint8Array>>;
  // @ts-expect-error a misspelt option
  $({ cmd: '/' });
  // @ts-expect-error a name is not a template
  $('ls');
}

/** Options for every command, and those of one call on top. */
export async function everywhere(): Promise<void> {
  const { run, runSync, spawn, command: make, $: script } = withOptions({ cwd: '/', lines: true });
  const lines = await run('ls');
  type _1 = Expect<Equal<(typeof lines)['stdout'], string[]>>;
  const text = await run('ls', ['-l'], { lines: false });
  type _2 = Expect<Equal<(typeof text)['stdout'], string>>;
  const bytes = runSync('ls', { encoding: 'buffer', lines: false });
  type _3 = Expect<Equal<(typeof bytes)['stdout'], Uint8Array>>;
  const child = await spawn('cat', { stdin: 'pipe', stdout: 'null' });
  type _4 = Expect<Equal<typeof child.stdin, Writable>>;
  const made = await make('ls').run();
  type _5 = Expect<Equal<(typeof made)['stdout'], string[]>>;
  const templated = await script`ls`;
  type _6 = Expect<Equal<(typeof templated)['stdout'], string[]>>;
  const value: { a: number } = await command('x').json();
  const piped: string = await $`x`.pipe`y`.text();
  void [value, piped];
  // @ts-expect-error a misspelt option
  withOptions({ cmd: '/' });
}

type Stdout<T> = T extends { stdout: infer S } ? S : never;

/** The output is by the options of the command, and those on top. */
export async function outputs(): Promise<void> {
  const text = command('ls', ['-l'], { cwd: '/' });
  const bytes = command('ls', { encoding: 'buffer' });
  const lines = text.with({ lines: true });
  const [one, two, three] = [await text.run(), await bytes.run(), await lines.run()];
  type _1 = Expect<Equal<Stdout<typeof one>, string>>;
  type _2 = Expect<Equal<Stdout<typeof two>, Uint8Array>>;
  type _3 = Expect<Equal<Stdout<typeof three>, string[]>>;
  const four = text.runSync({ encoding: 'buffer' });
  const five = await bytes.run({ encoding: 'utf8', timeout: 5 });
  const six = lines.runSync({ lines: false });
  const seven = lines.runSync({ timeout: 5 });
  type _4 = Expect<Equal<Stdout<typeof four>, Uint8Array>>;
  type _5 = Expect<Equal<Stdout<typeof five>, string>>;
  type _6 = Expect<Equal<Stdout<typeof six>, string>>;
  type _7 = Expect<Equal<Stdout<typeof seven>, string[]>>;
  const eight = await $`ls`.with({ lines: true });
  type _8 = Expect<Equal<Stdout<typeof eight>, string[]>>;

  const pipeline = text.pipe(bytes);
  const piped = await pipeline.run();
  type _9 = Expect<Equal<Stdout<typeof piped>, Uint8Array>>;
  type _10 = Expect<Equal<Stdout<(typeof piped.stages)[number]>, string | Uint8Array>>;
  const asLines = await pipeline.run({ lines: true });
  type _11 = Expect<Equal<Stdout<typeof asLines>, string[]>>;
  type _12 = Expect<Equal<Stdout<(typeof asLines.stages)[number]>, string[]>>;

  // Whatever the options are, it gives text; and bytes are no text.
  const several: Command[] = [text, command('ls'), command('ls', { stdout: 'null' }), $`ls`];
  // @ts-expect-error this one gives bytes
  several.push(bytes);
}

/** The streams are by the options on top; of its own not all is known. */
export async function spawned(cat: Command): Promise<void> {
  const child = await cat.spawn({ stdin: 'pipe', stdout: 'null' });
  type _1 = Expect<Equal<typeof child.stdin, Writable>>;
  type _2 = Expect<Equal<typeof child.stdout, null>>;
  type _3 = Expect<Equal<typeof child.stderr, Readable | Duplex | null>>;
}

export async function commands(list: Command): Promise<void> {
  type _1 = Expect<Equal<typeof list.file, string>>;
  type _2 = Expect<Equal<typeof list.args, readonly string[]>>;
  const result: Result = await list.run();
  const sync: Result = list.runSync({ timeout: 5 });
  const child: Child = await list.spawn();
  const pipeline: Pipeline = list.pipe(command('sort')).pipe($`uniq -c`);
  const piped: PipelineResult = await pipeline.run({ input: 'x' });
  type _3 = Expect<Equal<(typeof piped)['stages'], readonly Result[]>>;
  type _4 = Expect<Equal<ReturnType<typeof pipeline.toString>, string>>;
  void [result, sync, child];
  // @ts-expect-error a command does not change
  list.file = 'other';
  // @ts-expect-error nor do its arguments
  list.args.push('-l');
  // @ts-expect-error nor its options: `with` gives another
  list.options.cwd = '/';
  // @ts-expect-error a plain command is not run by awaiting it
  (await list).stdout;
  // @ts-expect-error a function is no command
  list.pipe(() => {});
  // @ts-expect-error a misspelt option
  list.with({ cmd: '/' });
}
