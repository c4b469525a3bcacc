// The fork lock: who has it, who waits, and in which order.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { LaunchError, run, runSync } from '#dist/index.js';
import { startProcess, startProcessSync } from '#dist/process/index.js';
import { forkLock } from '#dist/syscall/fork-lock.js';
import { test } from '../helpers/test.js';
import { fixture } from './fixtures/run.js';

/** Something that is over when it is told to be. */
function gate(): { open: () => void; passed: Promise<void> } {
  let open = (): void => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, passed };
}

test('forkLock.read and write return the result of the body', async () => {
  assert.equal(await forkLock.read(() => 1), 1);
  assert.equal(await forkLock.write(async () => 'later'), 'later');
});

test('readers share the fork lock, and a writer has it alone', async () => {
  const log: string[] = [];
  const { open, passed } = gate();
  const hold = (name: string) => async (): Promise<void> => {
    log.push(`${name} begins`);
    await passed;
    log.push(`${name} ends`);
  };
  const first = forkLock.read(hold('one'));
  const second = forkLock.read(hold('two'));
  const writer = forkLock.write(() => {
    log.push('writer');
  });
  await sleep(20);
  assert.deepEqual(log, ['one begins', 'two begins']);
  open();
  await Promise.all([first, second, writer]);
  assert.deepEqual(log.slice(2), ['one ends', 'two ends', 'writer']);
});

test('the fork lock goes to those who wait in the order in which they asked', async () => {
  const log: string[] = [];
  const { open, passed } = gate();
  const held = forkLock.read(() => passed);
  const enter = (name: string) => (): void => {
    log.push(name);
  };
  const rest = [
    forkLock.write(enter('write 1')),
    // A reader holds it, and yet these wait behind the writer.
    forkLock.read(enter('read 1')),
    forkLock.read(enter('read 2')),
    forkLock.write(enter('write 2')),
    forkLock.read(enter('read 3')),
  ];
  await sleep(20);
  assert.deepEqual(log, []);
  open();
  await Promise.all([held, ...rest]);
  assert.deepEqual(log, ['write 1', 'read 1', 'read 2', 'write 2', 'read 3']);
});

test('a writer gets the fork lock while readers keep coming', async () => {
  let stop = false;
  const readers = Array.from({ length: 4 }, async () => {
    while (!stop) await forkLock.read(() => turn());
  });
  for (let round = 0; round < 50; round++) await forkLock.write(() => {});
  stop = true;
  await Promise.all(readers);
});

test('launches get the fork lock many at a time while readers keep coming', async () => {
  let stop = false;
  const readers = Array.from({ length: 4 }, async () => {
    while (!stop) await forkLock.read(() => turn());
  });
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let round = 0; round < 10; round++) await run('/bin/true');
    }),
  );
  stop = true;
  await Promise.all(readers);
});

test('an error of the body releases the fork lock', async () => {
  const failure = new Error('from the body');
  for (const lock of [forkLock.read, forkLock.write]) {
    await assert.rejects(
      lock(() => {
        throw failure;
      }),
      failure,
    );
    await assert.rejects(
      lock(() => Promise.reject(failure)),
      failure,
    );
  }
  assert.equal(await forkLock.write(() => 'free'), 'free');
});

for (const kind of ['read', 'write'] as const) {
  test(`a launch waits until ${kind} is released`, async () => {
    const log: string[] = [];
    const { open, passed } = gate();
    const held = forkLock[kind](async () => {
      await passed;
      log.push('released');
    });
    const launching = startProcess('/bin/true', ['true']).then((child) => {
      log.push('launched');
      return child;
    });
    await sleep(50);
    assert.deepEqual(log, []);
    open();
    await held;
    assert.equal((await (await launching).wait()).code, 0);
    assert.deepEqual(log, ['released', 'launched']);
  });

  test(`a synchronous launch inside ${kind} is refused, because it would wait for itself`, async () => {
    await forkLock[kind](() => {
      for (const launch of [
        () => runSync('/bin/true'),
        () => startProcessSync('/bin/true', ['true']),
      ]) {
        assert.throws(launch, (error) => {
          assert.ok(error instanceof LaunchError);
          assert.equal(error.code, 'EDEADLK');
          return true;
        });
      }
    });
    assert.equal(runSync('/bin/true').status.code, 0);
  });

  test(`a Worker that ends releases ${kind}`, async () => {
    const worker = new Worker(fixture('lock-worker'), { workerData: kind });
    await once(worker, 'message');
    let entered = false;
    const waiting = forkLock.write(() => {
      entered = true;
    });
    await sleep(50);
    assert.equal(entered, false);
    await worker.terminate();
    await waiting;
    assert.equal(entered, true);
  });

  test(`a Worker that ends while it waits for ${kind} blocks no other thread`, async () => {
    const { open, passed } = gate();
    const held = forkLock.write(() => passed);
    const worker = new Worker(fixture('lock-worker'), { workerData: `${kind} later` });
    await once(worker, 'message');
    const waiting = forkLock.write(() => 'entered');
    await worker.terminate();
    open();
    await held;
    assert.equal(await waiting, 'entered');
  });
}

test('all threads share one fork lock', async () => {
  const workers = Array.from({ length: 3 }, () => {
    return new Worker(fixture('lock-worker'), { workerData: 'count' });
  });
  const shared = await Promise.all(
    workers.map(async (worker) => (await once(worker, 'message'))[0]),
  );
  const counter = new Int32Array(new SharedArrayBuffer(8));
  assert.deepEqual(shared, ['ready', 'ready', 'ready']);
  const done = workers.map((worker) => once(worker, 'message'));
  for (const worker of workers) worker.postMessage(counter);
  for (const [overlaps] of await Promise.all(done)) assert.equal(overlaps, 0);
  assert.equal(Atomics.load(counter, 1), 3 * 100);
  await Promise.all(workers.map((worker) => worker.terminate()));
});
