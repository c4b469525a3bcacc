// ETXTBSY: a program that was just written is still open for writing in a process that another
// thread was launching meanwhile.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { runSync } from '#dist/index.js';
import { forkLock } from '#dist/syscall/fork-lock.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';
import { fixture } from './fixtures/run.js';

const ROUNDS = 200;
const LAUNCHERS = 8;
/** Looking there takes a launch some milliseconds, in which it has copies of all descriptors. */
const DETOUR = Array.from({ length: 2000 }, (_, index) => `/no/such/directory/${index}`);
/** How long the program stays open for writing, at the least. */
const HOLD_MS = 1;

interface Figures {
  busy: number;
  launches: number;
}

function write(file: string, program: Uint8Array, hold: number): void {
  const fd = openSync(file, 'w', 0o755);
  writeSync(fd, program);
  const until = performance.now() + hold;
  while (performance.now() < until);
  closeSync(fd);
}

/** Writes a program and runs it, over and over, while a Worker launches others. */
async function rounds(
  path: string,
  hold: number,
  around: (write: () => void) => unknown,
): Promise<Figures> {
  const program = readFileSync('/bin/true');
  const worker = new Worker(fixture('launch-worker'), { workerData: { loops: LAUNCHERS, path } });
  await once(worker, 'message');
  let busy = 0;
  await withFolder(async (folder) => {
    for (let round = 0; round < ROUNDS; round++) {
      const file = join(folder, `program-${round}`);
      await around(() => write(file, program, hold));
      try {
        assert.equal(runSync(file).status.code, 0);
      } catch (error) {
        if ((error as { code?: string }).code !== 'ETXTBSY') throw error;
        busy += 1;
      }
    }
  });
  // It may end before the code behind the message has its turn.
  const exited = once(worker, 'exit');
  worker.postMessage('stop');
  const [launches] = (await once(worker, 'message')) as [number];
  await exited;
  return { busy, launches };
}

const slow = [...DETOUR, '/bin'].join(':');
const directly = (body: () => void): void => body();
const show = ({ busy, launches }: Figures): string =>
  `${busy} of ${ROUNDS} programs were busy, beside ${launches} launches`;

for (const [name, path, hold] of [
  ['quick launches', '/bin', 0],
  ['slow launches', slow, HOLD_MS],
] as const) {
  test(`a program written under forkLock.read is never ETXTBSY beside ${name}`, async (t) => {
    const figures = await rounds(path, hold, forkLock.read);
    t.diagnostic(show(figures));
    assert.equal(figures.busy, 0);
    assert.ok(figures.launches > LAUNCHERS);
  });
}

test('a program written without forkLock.read is ETXTBSY at times', async (t) => {
  t.diagnostic(`quick launches: ${show(await rounds('/bin', 0, directly))}`);
  const figures = await rounds(slow, HOLD_MS, directly);
  t.diagnostic(`slow launches: ${show(figures)}`);
  assert.ok(figures.busy > 0);
});
