// A command for each item: order, retries, halts, and sources that go wrong.

import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { local, type Mapped, openPool } from '#dist/batch/index.js';
import { command, ExitError } from '#dist/index.js';
import { needsLinux } from '../helpers/backend.js';
import { agentHere, processesWith, uniqueSleep, until } from '../helpers/batch.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const indexOf = ({ index }: Mapped<unknown, string>): number => index;

test('results come as commands end, or in the order of the items', async () => {
  await using pool = await openPool({ slots: [local(2)] });
  const items = ['0.4', '0'];
  const sleep = (seconds: string) => command('sh', ['-c', `sleep ${seconds}; echo ${seconds}`]);
  const completed = await collect(pool.map(items, sleep));
  assert.deepEqual(completed.map(indexOf), [1, 0]);
  const ordered = await collect(pool.map(items, sleep, { order: 'input' }));
  assert.deepEqual(ordered.map(indexOf), [0, 1]);
  assert.deepEqual(
    ordered.map(({ result }) => result?.stdout),
    items,
  );
});

test('a command that fails is a result with its error, and the others go on', async () => {
  await using pool = await openPool({ slots: [local(2)] });
  const exit = (code: number) => command('sh', ['-c', `echo ${code}; exit ${code}`]);
  const all = await collect(pool.map([0, 3, 0], exit, { order: 'input' }));
  assert.deepEqual(
    all.map(({ result, error, tries, slot }) => [result?.status.code, error?.name, tries, slot]),
    [
      [0, undefined, 1, 'local'],
      [3, 'ExitError', 1, 'local'],
      [0, undefined, 1, 'local'],
    ],
  );
  assert.equal(all[1]?.result?.stdout, '3');
  const [missing] = await collect(pool.map([1], () => command('/no/such')));
  assert.equal(missing?.error?.name, 'LaunchError');
  assert.equal(missing?.result, undefined);
});

test('a command is run again until it succeeds, with growing pauses', async () => {
  await withFolder(async (folder) => {
    await using pool = await openPool({ slots: [local(2)] });
    const log = join(folder, 'log');
    const flaky = () => command('sh', ['-c', `echo x >>${log}; [ "$(wc -l <${log})" -ge 3 ]`]);
    const pauses: number[] = [];
    const backoff = (tries: number): number => {
      pauses.push(tries);
      return 1;
    };
    const [result] = await collect(pool.map([1], flaky, { retries: 5, backoff }));
    assert.deepEqual([result?.error, result?.tries], [undefined, 3]);
    assert.deepEqual(pauses, [1, 2]);
    const [failed] = await collect(pool.map([1], () => command('false'), { retries: 2 }));
    assert.equal(failed?.tries, 3);
    assert.equal((failed?.error as ExitError).status.code, 1);
  });
});

test('the time limit holds for each try', async () => {
  await using pool = await openPool({ slots: [local(2)] });
  const [late] = await collect(pool.map([1], () => command('sleep', ['60']), { timeout: 50 }));
  assert.equal(late?.result?.status.reason, 'timeout');
});

test('no more items are asked for than can run', async () => {
  await using pool = await openPool({ slots: [local(4)] });
  let asked = 0;
  let returned = false;
  const endless = function* (): Generator<number> {
    try {
      for (;;) yield asked++;
    } finally {
      returned = true;
    }
  };
  let taken = 0;
  for await (const { error } of pool.map(endless(), () => command('true'), { concurrency: 2 })) {
    assert.equal(error, undefined);
    taken += 1;
    assert.ok(asked - taken <= 2 + 16 + 1, `${asked} asked, ${taken} taken`);
    if (taken === 10) break;
  }
  assert.ok(returned, 'the source is told that no more is wanted');
});

test('leaving the loop ends what runs', async () => {
  const seconds = uniqueSleep();
  await using pool = await openPool({ slots: [local(3)] });
  const jobs = [command('true'), command('sleep', [seconds]), command('sleep', [seconds])];
  for await (const { index } of pool.map(jobs, (job) => job)) {
    assert.equal(index, 0);
    await until(() => processesWith(seconds).length === 2, 'both run');
    break;
  }
  assert.deepEqual(processesWith(seconds), []);
});

test('the error of a source is that of the iteration, once what ran has ended', async () => {
  const seconds = uniqueSleep();
  const failure = new Error('the source');
  await using pool = await openPool({ slots: [local(3)] });
  const source = async function* (): AsyncGenerator<string> {
    yield seconds;
    yield seconds;
    await until(() => processesWith(seconds).length === 2, 'both run');
    throw failure;
  };
  await assert.rejects(
    collect(pool.map(source(), (item) => command('sleep', [item]))),
    (error) => error === failure,
  );
  assert.deepEqual(processesWith(seconds), []);
});

test('a mapper that throws, or returns no command, ends the iteration', async () => {
  await using pool = await openPool({ slots: [local(1)] });
  const failure = new Error('the mapper');
  const fails = (): never => {
    throw failure;
  };
  await assert.rejects(collect(pool.map([1], fails)), (error) => error === failure);
  await assert.rejects(collect(pool.map([1], () => 'true' as never)), TypeError);
  assert.throws(() => pool.map([1], fails, { concurrency: 0 }), RangeError);
  assert.throws(() => pool.map(5 as never, fails), TypeError);
});

test('after the first failure nothing is drawn, and what runs ends first', async () => {
  await withFolder(async (folder) => {
    const log = join(folder, 'log');
    await using pool = await openPool({ slots: [local(8)] });
    const drawn: number[] = [];
    const source = function* (): Generator<number> {
      for (let item = 0; ; item++) {
        drawn.push(item);
        yield item;
      }
    };
    const script = (item: number): string =>
      item === 3 ? `exit 7` : `sleep 0.5; echo ${item} >>${log}`;
    const run = collect(
      pool.map(source(), (item) => command('sh', ['-c', script(item)]), {
        concurrency: 8,
        halt: 'soon',
      }),
    );
    await assert.rejects(run, (error) => error instanceof ExitError && error.status.code === 7);
    const ended = readFileSync(log, 'utf8').trimEnd().split('\n').map(Number);
    const running = drawn.filter((item) => item !== 3);
    // What was drawn and had no room yet was never started.
    assert.ok(running.length - ended.length <= 1, `${drawn} and ${ended}`);
  });
});

test("with 'now' what runs is stopped at the first failure", async () => {
  const seconds = uniqueSleep();
  await using pool = await openPool({ slots: [local(2)] });
  const jobs = [
    command('sleep', [seconds]),
    command('sh', ['-c', 'sleep 0.1; exit 5']),
    command('true'),
  ];
  await assert.rejects(
    collect(pool.map(jobs, (job) => job, { halt: 'now' })),
    (error) => error instanceof ExitError && error.status.code === 5,
  );
  assert.deepEqual(processesWith(seconds), []);
});

test('a halt on success ends the iteration without an error', async () => {
  await using pool = await openPool({ slots: [local(1)] });
  const jobs = [command('false'), command('true'), command('true'), command('true')];
  const halt = { when: 'soon', on: 'success', count: 1 } as const;
  const results = await collect(pool.map(jobs, (job) => job, { halt }));
  assert.deepEqual(results.map(indexOf), [0, 1]);
});

test('a job that ends its agent each time fails after its tries, and costs others none', async () => {
  needsLinux('a guard of an agent');
  await withFolder(async (folder) => {
    const log = join(folder, 'log');
    const slots = [agentHere({ jobs: 2 }), agentHere({ jobs: 2 })];
    await using pool = await openPool({ slots, heartbeat: 2000 });
    const killer = command('sh', ['-c', `echo x >>${log}; kill -9 $PPID; sleep 60`]);
    appendFileSync(log, '');
    const jobs = [killer, ...Array.from({ length: 5 }, () => command('sleep', ['0.2']))];
    const results = await collect(pool.map(jobs, (job) => job, { retries: 2, order: 'input' }));
    assert.equal((results[0]?.error as ExitError).status.reason, 'lost');
    assert.equal(results[0]?.tries, 3);
    assert.equal(readFileSync(log, 'utf8'), 'x\nx\nx\n');
    for (const { error, tries } of results.slice(1)) {
      assert.equal(error, undefined);
      assert.ok(tries <= 2);
    }
  });
});

test('engines of different kinds share the items', () =>
  withFolder(async (folder) => {
    await using pool = await openPool({ slots: [local(3), agentHere({ jobs: 3 })] });
    const go = join(folder, 'go');
    // Three that fill an engine until another has ended something, however late that one comes.
    const waits = 'while [ ! -e "$0" ] && [ "$1" -lt 3 ]; do sleep 0.02; done; echo "$1"';
    let sum = 0;
    const numbers = Array.from({ length: 300 }, (_, index) => index);
    const slots = new Set<string>();
    const jobs = pool.map(numbers, (n) => command('sh', ['-c', waits, go, `${n}`]));
    for await (const { result, slot } of jobs) {
      writeFileSync(go, '');
      sum += Number(result?.stdout);
      slots.add(slot);
    }
    assert.equal(sum, (299 * 300) / 2);
    assert.deepEqual([...slots].sort(), ['here', 'local']);
  }));
