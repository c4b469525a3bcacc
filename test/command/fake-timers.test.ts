// Test frameworks replace timers, clocks and microtasks. Processes go on all the same.

import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import * as nodeTest from 'node:test';
import * as sinon from '@sinonjs/fake-timers';
import { ExitError, type RunOptions, run, runSync, spawn } from '#dist/index.js';
import { notify } from '#dist/signal/index.js';
import { endOther } from '../helpers/other.js';
import { test } from '../helpers/test.js';

/** More than is read without a pause for the rest of the event loop: 1 MiB. */
const SIZE = 3 << 20;
const LINE = 1024;
const YES = ['-c', `yes ${'y'.repeat(LINE - 1)} | head -c ${SIZE}`];

notify('SIGUSR1').stop(); // what signals need is made once and kept

/** Both let time stand still and return what undoes it; undefined where a runtime has no such fakes. */
const FAKES: Readonly<Record<string, () => (() => void) | undefined>> = {
  'mock timers of node:test': () => {
    const { mock } = nodeTest as Partial<typeof nodeTest>;
    if (mock?.timers === undefined) return undefined;
    mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'] });
    return () => mock.timers.reset();
  },
  'fake timers of sinon': () => {
    const toFake: sinon.FakeMethod[] = [
      ...(['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] as const),
      ...(['setImmediate', 'clearImmediate', 'queueMicrotask'] as const),
      ...(['Date', 'performance', 'hrtime'] as const),
    ];
    const clock = sinon.install({ toFake });
    return () => clock.uninstall();
  },
};

async function failure(running: Promise<unknown>): Promise<ExitError> {
  const error = await running.then(
    () => assert.fail('it succeeded'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ExitError, String(error));
  return error;
}

/** By title: what goes on while time stands still. */
const CASES: Readonly<Record<string, () => Promise<void>>> = {
  'run collects output of 3 MiB': async () => {
    const { stdout } = await run('sh', YES, { maxBuffer: SIZE });
    assert.equal(stdout.length, SIZE - 1); // without the last line end
  },
  'lines() reads 3 MiB': async () => {
    const child = await spawn('sh', YES, { stdout: 'pipe' });
    let count = 0;
    for await (const line of child.lines()) count += line.length;
    assert.equal(count, SIZE - SIZE / LINE);
    assert.equal((await child.closed).ok, true);
  },
  'a sink takes 3 MiB': async () => {
    let taken = 0;
    const write = (chunk: Uint8Array, _encoding: string, done: () => void): void => {
      taken += chunk.length;
      done();
    };
    await run('sh', YES, { stdout: new Writable({ write }) });
    assert.equal(taken, SIZE);
  },
  'an input of 3 MiB is written': async () => {
    const { stdout } = await run('wc', ['-c'], { input: new Uint8Array(SIZE) });
    assert.equal(stdout.trim(), String(SIZE));
  },
  'a timeout of run ends the process': async () => {
    const { status } = await failure(run('sleep', ['1000'], { timeout: 50 }));
    assert.equal(status.reason, 'timeout');
    assert.equal(status.signal, 'SIGTERM');
  },
  'a timeout of runSync ends the process': async () => {
    assert.throws(
      () => runSync('sleep', ['1000'], { timeout: 50 }),
      (error: unknown) => error instanceof ExitError && error.status.reason === 'timeout',
    );
  },
  'a process that ignores SIGTERM is killed after the grace period': async () => {
    const options: RunOptions = { timeout: 200, stop: { grace: 50 } };
    const script = 'trap "" TERM; while :; do sleep 0.02; done';
    const { status } = await failure(run('sh', ['-c', script], options));
    assert.equal(status.signal, 'SIGKILL');
  },
  'stop() of a tree waits until the tree has ended': async () => {
    const child = await spawn('sh', ['-c', 'sleep 1000 & echo; wait'], {
      stdout: 'pipe',
      stop: { scope: 'tree', grace: 100 },
    });
    for await (const _ of child.lines()) break;
    const status = await child.stop();
    assert.equal(status.signal, 'SIGTERM');
    await child.closed;
  },
  'waitDelay ends the wait for a held pipe': async () => {
    const { status } = await run('sh', ['-c', 'sleep 1000 2>/dev/null & exit 0'], {
      waitDelay: 60,
    });
    const [held] = status.held;
    assert.equal(held?.stream, 'stdout');
    for (const pid of held.pids) await endOther(pid);
  },
  'notify delivers signals': async () => {
    const stream = notify('SIGUSR1');
    try {
      const next = stream[Symbol.asyncIterator]().next();
      process.kill(process.pid, 'SIGUSR1');
      assert.equal((await next).value?.signal, 'SIGUSR1');
    } finally {
      stream.stop();
    }
  },
};

for (const [fake, install] of Object.entries(FAKES)) {
  for (const [title, body] of Object.entries(CASES)) {
    test(`${title} under ${fake}`, async (t) => {
      const uninstall = install();
      if (uninstall === undefined) {
        t.skip(`this runtime has no ${fake}`);
        return;
      }
      try {
        await body();
      } finally {
        uninstall();
      }
    });
  }
}
