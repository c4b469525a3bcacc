// Handlers of others for the same signal: each is called once, and is there again afterwards.

import assert from 'node:assert/strict';
import { spawn as nodeSpawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '#dist/index.js';
import { notify } from '#dist/signal/index.js';
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
  const options = { reject: false, lines: true, timeout: 20_000 } as const;
  const { stdout, status } = await run(process.execPath, [program, ...args], options);
  return { said: stdout.map((line) => JSON.parse(line)), signal: status.signal };
}

test('a handler that was there before goes on being called, and stays', async () => {
  assert.deepEqual(await chain('below'), {
    said: [
      ['both', { stream: 5, foreign: 5 }],
      ['stopped', { stream: 0, foreign: 5 }],
    ],
    signal: null,
  });
});

test('one that came later and calls ours is called once, whoever is on top', async () => {
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
    for (const part of ['dist', 'build/native', 'package.json']) {
      cpSync(join(root, part), join(folder, part), { recursive: true });
    }
    body(await chain('copies', join(folder, 'dist/signal/index.js')));
  });
}

test('two copies of the library get along, beside listeners', () =>
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

test('and when all have gone the signal has its default action', () => {
  needsWordOfListeners();
  return withTwoCopies(({ signal }) => assert.equal(signal, 'SIGUSR2'));
});

test('so do two copies of its modules with one addon', async () => {
  const { said } = await chain('copies', `${import.meta.resolve('#dist/signal/index.js')}?copy`);
  assert.deepEqual(said.at(-3)?.[1], { first: 5, second: 5, listener: 5, again: 5, foreign: 0 });
});

test('SIGCHLD comes although node:child_process uses it, and goes on working', async () => {
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
