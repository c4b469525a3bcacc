// Errors that somebody can act on.

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  command,
  ExitError,
  LaunchError,
  lookPath,
  type RunOptions,
  run,
  runSync,
  spawn,
} from '#dist/index.js';
import { needsStacksAcrossAwait } from '../helpers/runtime.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const runners = [
  (file: string, args: string[], options: RunOptions) => run(file, args, options),
  async (file: string, args: string[], options: RunOptions) => runSync(file, args, options),
];

/** Calls `use` with a search path of two directories that have these programs, and how to add one. */
function withPrograms(
  names: readonly string[],
  use: (path: string, add: (name: string, text: string) => string) => Promise<void>,
): Promise<void> {
  return withFolder(async (folder) => {
    const directories = ['one', 'two'].map((name) => join(folder, name));
    for (const directory of directories) mkdirSync(directory);
    const add = (name: string, text: string, index = 0): string => {
      const file = join(directories[index] as string, name);
      writeFileSync(file, text);
      chmodSync(file, 0o755);
      return file;
    };
    for (const [index, name] of names.entries()) add(name, '#!/bin/sh\n', index % 2);
    await use(directories.join(':'), add);
  });
}

/** The error of each way to run a program. */
async function errorsOf(file: string, path: string): Promise<LaunchError[]> {
  const ways: (() => unknown)[] = [
    () => spawn(file, { path }),
    () => run(file, ['-x'], { path }),
    () => runSync(file, { path }),
    () => command(file, { path }).run(),
    () => lookPath(file, { path }),
  ];
  return Promise.all(
    ways.map(async (way) => {
      const error = await Promise.resolve()
        .then(way)
        .catch((reason: unknown) => reason);
      assert.ok(error instanceof LaunchError, String(error));
      return error;
    }),
  );
}

test('a program that is not found: the message has the directories and a suggestion', () =>
  withPrograms(['git', 'python3', 'kubectl', 'ls', 'node'], async (path) => {
    const cases = [
      ['gti', 'git'],
      ['gitt', 'git'],
      ['pyhton3', 'python3'],
      ['kubctl', 'kubectl'],
      ['nodee', 'node'],
      ['l', 'ls'],
      ['unlike', undefined],
      ['gut-feeling', undefined],
    ] as const;
    const [one, two] = path.split(':') as [string, string];
    for (const [name, meant] of cases) {
      for (const { message, code, step, searched } of await errorsOf(name, path)) {
        const hint = meant === undefined ? '' : `. Did you mean "${meant}"?`;
        const where = `(${one}, ${two})${hint}`;
        assert.equal(message, `execve("${name}"): ENOENT: no such program in PATH ${where}`);
        assert.deepEqual([code, step], ['ENOENT', 'execve']);
        assert.deepEqual(searched, [join(one, name), join(two, name)]);
      }
    }
  }));

test('a message shows the first directories, and `searched` has all of them', async () => {
  const directories = Array.from({ length: 11 }, (_, index) => `/no/${index}`);
  const error = await run('x', { path: directories.join(':') }).catch((reason) => reason);
  assert.match(error.message, /\(\/no\/0, .*, \/no\/7 and 3 more\)/);
  assert.equal(error.searched.length, 11);
  await assert.rejects(run('x', { path: '.:lib' }), /PATH \(which has no absolute path\)/);
});

test('the message for a script with a missing interpreter names the interpreter', () =>
  withPrograms([], async (path, add) => {
    const file = add('script', '#! /no/such/interpreter -w\necho\n');
    for (const name of [file, 'script']) {
      for (const runner of runners) {
        await assert.rejects(runner(name, [], { path }), (error) => {
          assert.ok(error instanceof LaunchError);
          const { code, step, argument, message } = error;
          assert.deepEqual([code, step, argument], ['ENOENT', 'execve', file]);
          const launching = name === file ? '' : ` (launching ${name})`;
          const what = `the script's interpreter "/no/such/interpreter" was not found${launching}`;
          assert.equal(message, `execve("${file}"): ENOENT: ${what}`);
          return true;
        });
      }
    }
    const plain = add('plain', 'echo hello\n');
    await assert.rejects(
      run(plain),
      /ENOEXEC: .*: neither a binary .* nor a script with a #! line$/,
    );
  }));

test('the message of an ExitError has the command, its time and the end of stderr', async () => {
  const script = 'seq 1 50; seq 1 50 >&2; echo "it broke" >&2; exit 7';
  for (const runner of runners) {
    const error = await runner('sh', ['-c', script], {}).catch((reason: unknown) => reason);
    assert.ok(error instanceof ExitError);
    const [first, ...rest] = error.message.split('\n');
    assert.match(first ?? '', /^sh -c 'seq 1 50; .* exit 7': exit status 7 after \d+ ms$/);
    const last = [...Array.from({ length: 9 }, (_, index) => `${42 + index}`), 'it broke'];
    assert.deepEqual(rest, last);
  }
});

test('the stack of an ExitError has the caller', async () => {
  for (const [index, runner] of [...runners].reverse().entries()) {
    if (index > 0) await needsStacksAcrossAwait(); // the one that returns at once is the first
    const error = await runner('false', [], {}).catch((reason: unknown) => reason);
    assert.ok(error instanceof ExitError);
    assert.ok(error.stack?.includes('messages.test'));
  }
});
