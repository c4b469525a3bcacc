// Handlers of others for the same signal: each is called once, and is there again afterwards.

import assert from 'node:assert/strict';
import { spawn as nodeSpawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '#dist/index.js';
import { notify } from '#dist/signal/index.js';
import { patience } from '../helpers/patience.js';
import { needsWordOfListeners } from '../helpers/runtime.js';
import { bin, gather, until } from '../helpers/signals.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const program = fileURLToPath(new URL('../helpers/chain-program.js', import.meta.url));

interface Told {
  said: [what: string, counts: Record<string, number>][];
  signal: string | null;
}

async function chain(...args: string[]): Promise<Told> {
  const options = { reject: false, lines: true, timeout: patience(20_000) } as const;
  const { stdout, status } = await run(process.execPath, [program, ...args], options);
  return { said: stdout.map((line) => JSON.parse(line)), signal: status.signal };
}

test('a handler installed before the stream is called during and after it', async () => {
  assert.deepEqual(await chain('below'), {
    said: [
      ['both', { stream: 5, foreign: 5 }],
      ['stopped', { stream: 0, foreign: 5 }],
    ],
    signal: null,
  });
});

test('a handler installed after the stream is called once per signal', async () => {
  assert.deepEqual(await chain('above'), {
    said: [
      ['above', { listener: 5, stream: 5, foreign: 5 }],
      ['between', { listener: 5, stream: 5, worker: 5, foreign: 5 }],
      ['without the Worker', { listener: 5, stream: 5, foreign: 5 }],
      ['stopped', { listener: 5, stream: 0, foreign: 5 }],
    ],
    signal: null,
  });
});

function withTwoCopies(body: (told: Told) => void): Promise<void> {
  return withFolder(async (folder) => {
    const root = dirname(dirname(bin));
    for (const part of ['dist', 'prebuilds', 'package.json']) {
      cpSync(join(root, part), join(folder, part), { recursive: true });
    }
    body(await chain('copies', join(folder, 'dist/signal/index.js')));
  });
}

test('two copies of the library each get every signal, beside listeners', () =>
  withTwoCopies(({ said }) => {
    const foreign = 0;
    assert.deepEqual(said, [
      ['two copies', { first: 5, second: 5, foreign }],
      ['and a listener', { first: 5, second: 5, listener: 5, foreign }],
      ['and one more', { first: 5, second: 5, listener: 5, again: 5, foreign }],
      ['the first stopped', { first: 0, second: 5, listener: 5, again: 0, foreign }],
      ['the second stopped', { first: 0, second: 0, listener: 5, again: 0, foreign }],
    ]);
  }));

test('a signal has its default action when both copies of the library have stopped', () => {
  needsWordOfListeners();
  return withTwoCopies(({ signal }) => assert.equal(signal, 'SIGUSR2'));
});

test('two copies of the modules with one addon each get every signal', async () => {
  const { said } = await chain('copies', `${import.meta.resolve('#dist/signal/index.js')}?copy`);
  assert.deepEqual(said.at(-3)?.[1], { first: 5, second: 5, listener: 5, again: 5, foreign: 0 });
});

test('a stream of SIGCHLD and node:child_process work side by side', async () => {
  const launches: (() => unknown)[] = [
    () => once(nodeSpawn('/bin/true'), 'exit'),
    () => spawnSync('/bin/true'),
  ];
  await launches[0]?.(); // its handler is there before
  for (const launch of launches) {
    using stream = notify('SIGCHLD');
    const gathered = gather(stream);
    for (let launched = 1; launched <= 3; launched++) {
      await launch();
      await until(() => gathered.length === launched);
    }
    stream.stop();
    await launch();
  }
  assert.equal(process.listenerCount('SIGCHLD'), 0);
});
