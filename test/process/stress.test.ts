import assert from 'node:assert/strict';
import { run } from '#dist/index.js';
import { type Process, startProcess } from '#dist/process/index.js';
import { needsLinux } from '../helpers/backend.js';
import { patience } from '../helpers/patience.js';
import { helper } from '../helpers/state.js';
import { processState, until } from '../helpers/streams.js';
import type { FlatReport, WorkersReport } from '../helpers/stress.js';
import { test } from '../helpers/test.js';

const LAUNCHES = 2000;
const ALIVE = 200;
const TIMEOUT = 120_000; // Some take a minute on a quiet machine.

/** Numbers below a limit, the same again for the same seed. */
function random(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

test(
  `${LAUNCHES} processes start and end in any order, ${ALIVE} at a time`,
  async (context) => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    context.diagnostic(`seed ${seed}`);
    const below = random(seed);
    const signals = ['SIGTERM', 'SIGKILL', 'SIGINT', 'SIGUSR1', 'SIGRTMIN+1'] as const;
    const alive: Process[] = [];
    const ids = new Set<string>();
    const ending: Promise<void>[] = [];

    async function begin(): Promise<void> {
      const child = await startProcess('/bin/sleep', ['sleep', '1000']);
      ids.add(child.id);
      alive.push(child);
    }
    async function exitBySelf(): Promise<void> {
      const code = below(256);
      const child = await startProcess('/bin/sh', ['sh', '-c', `exit ${code}`]);
      ids.add(child.id);
      assert.equal((await child.wait()).code, code);
    }
    /** Ends one of them, whichever. */
    async function end(): Promise<void> {
      const [child] = alive.splice(below(alive.length), 1) as [Process];
      const signal = signals[below(signals.length)] as (typeof signals)[number];
      assert.equal(child.status(), undefined);
      assert.equal(child.signal(signal), true);
      const status = await child.wait();
      assert.equal(status.signal, signal);
      assert.equal(child.signal(signal), false);
    }

    for (let launched = 0; launched < LAUNCHES; ) {
      const batch = Math.min(1 + below(16), LAUNCHES - launched);
      launched += batch;
      const kinds = Array.from({ length: batch }, () => (below(10) === 0 ? exitBySelf : begin));
      await Promise.all(kinds.map((kind) => kind()));
      while (alive.length > ALIVE) ending.push(end());
    }
    assert.ok(alive.length > ALIVE / 2, `${alive.length} at the end`);
    while (alive.length > 0) ending.push(end());
    await Promise.all(ending);
    assert.equal(ids.size, LAUNCHES, 'each had an id of its own');
  },
  { timeout: TIMEOUT },
);

test(
  '10,000 launches leave descriptors, threads and memory as they were',
  async (context) => {
    // The young generation would grow with the garbage: what is measured is what stays.
    const flags = ['--expose-gc', '--max-semi-space-size=1'];
    const args = [...flags, helper('stress.js'), 'flat'];
    const { stdout } = await run(process.execPath, args, { timeout: patience(TIMEOUT) });
    const { before, after } = JSON.parse(stdout) as FlatReport;
    const growth = (after.rss - before.rss) / 2 ** 20;
    context.diagnostic(`${growth.toFixed(1)} MiB more`);
    assert.equal(after.descriptors, before.descriptors);
    assert.equal(after.threads, before.threads);
    // 8,000 launches came between: 2 KiB lost with each would be 16 MiB.
    assert.ok(growth < 16, `${growth} MiB more resident memory`);
  },
  { timeout: TIMEOUT },
);

test(
  'Workers may be terminated at any moment, and their children live until the process ends',
  async () => {
    needsLinux('A pidfd for any process');
    const { stdout } = await run(process.execPath, [helper('stress.js'), 'workers'], {
      timeout: patience(TIMEOUT),
    });
    const report = JSON.parse(stdout) as WorkersReport;
    assert.equal(report.rounds, 200);
    assert.equal(report.survivors.length, 160);
    assert.deepEqual(report.alive, report.survivors);
    assert.deepEqual(report.others, []);
    assert.ok(report.descriptors <= 0, `${report.descriptors} descriptors are left`);
    assert.ok(report.threads <= 0, `${report.threads} threads are left`);
    await until('all of them have ended with the process', () =>
      report.survivors.every((pid) => ['', 'Z'].includes(processState(pid))),
    );
  },
  { timeout: TIMEOUT },
);

test('a process may exit during launches', async () => {
  for (let round = 0; round < 10; round++) {
    const args = [helper('stress.js'), 'exit'];
    const { status, stderr } = await run(process.execPath, args, {
      reject: false,
      waitDelay: 5000,
    });
    assert.equal(status.code, 5, stderr);
    assert.equal(stderr, '');
  }
});
