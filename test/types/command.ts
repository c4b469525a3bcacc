// Commands as values, templates and pipelines.

import {
  $,
  type Child,
  type Command,
  command,
  type Pipeline,
  type PipelineResult,
  type Result,
} from '#dist/index.js';
import type { Equal, Expect } from './expect.js';

export async function awaiting(): Promise<void> {
  const script = $`git log -n ${1} ${['a', 'b']}`;
  const result = await script;
  type _1 = Expect<Equal<(typeof result)['stdout'], string>>;
  type _2 = Expect<Equal<Awaited<typeof script>, Awaited<ReturnType<typeof script.run>>>>;
  const length = await script.then(({ stdout }) => stdout.length);
  type _3 = Expect<Equal<typeof length, number>>;
  const [one, two] = await Promise.all([$`true`, $`true`]);
  type _4 = Expect<Equal<(typeof one)['stdout'], string>>;
  type _5 = Expect<Equal<typeof one, typeof two>>;
  // Still to be awaited, and not only a command.
  const configured = await $`true`.with({ cwd: '/' });
  type _6 = Expect<Equal<(typeof configured)['stdout'], string>>;
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
