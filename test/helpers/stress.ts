// A program of its own, to launch a great deal without anything else going on.
//
//   stress flat       launches 10,000 processes
//   stress workers    ends 200 Workers in the midst of what they do
//   stress forking    ends Workers in the midst of launches whose processes they would reap
//   stress exit       exits in the midst of launches

import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { run } from '#dist/index.js';
import { startProcess } from '#dist/process/index.js';
import { processState, until } from './streams.js';
import { KINDS, type Kind, type Ready } from './stress-worker.js';
import { children, openDescriptors, threads } from './test.js';

export interface FlatReport {
  before: Measure;
  after: Measure;
}

interface Measure {
  descriptors: number;
  threads: number;
  /** Resident memory, bytes. */
  rss: number;
}

/** `count` times, 16 at once. */
async function many(count: number, once: () => Promise<unknown>): Promise<void> {
  let left = count;
  const lane = async (): Promise<void> => {
    while (left-- > 0) await once();
  };
  await Promise.all(Array.from({ length: 16 }, lane));
}

async function launchTrue(): Promise<void> {
  const child = await startProcess('/bin/true', ['true']);
  assert.equal((await child.wait()).code, 0);
}

async function runEcho(): Promise<void> {
  assert.equal((await run('echo', ['word'])).stdout, 'word');
}

async function failToLaunch(): Promise<void> {
  await assert.rejects(run('/no/such/program', { stdin: 'pipe' }));
}

async function measure(): Promise<Measure> {
  const { gc } = globalThis;
  assert.ok(gc, 'node --expose-gc');
  for (let turn = 0; turn < 5; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    gc();
  }
  return {
    descriptors: openDescriptors().length,
    threads: threads().length,
    rss: process.memoryUsage.rss(),
  };
}

async function flat(): Promise<FlatReport> {
  const round = async (times: number): Promise<void> => {
    await many(times * 8, launchTrue);
    await many(times, runEcho);
    await many(times, failToLaunch);
  };
  await round(200);
  const before = await measure();
  await round(800);
  return { before, after: await measure() };
}

export interface WorkersReport {
  rounds: number;
  /** Children that were to outlive their Worker. */
  survivors: number[];
  /** Those that did, when all Workers had ended. */
  alive: number[];
  /** Other children that are left then. */
  others: string[];
  /** Descriptors that were opened and are left, but for a handle of each survivor. */
  descriptors: number;
  threads: number;
}

/** Where there are no pidfds one such thread waits for each survivor. */
const WAITER = 'forkexec-wait';

async function oneRound(kind: Kind): Promise<number[]> {
  const file = fileURLToPath(new URL('stress-worker.js', import.meta.url));
  const worker = new Worker(file, { workerData: kind });
  const { survivors } = await new Promise<Ready>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  await worker.terminate();
  return survivors;
}

async function workers(rounds: number, kinds: readonly Kind[]): Promise<WorkersReport> {
  await oneRound('launching');
  const before = { descriptors: openDescriptors().length, threads: threads().length };
  const survivors: number[] = [];
  for (let round = 0; round < rounds; round++) {
    survivors.push(...(await oneRound(kinds[round % kinds.length] as Kind)));
  }
  const others = (): string[] => children().filter((pid) => !survivors.includes(Number(pid)));
  await until('the children that nobody wants are gone', () => others().length === 0).catch(
    () => {},
  );
  assert.equal((await run('echo', ['it still works'])).stdout, 'it still works');
  const opened = openDescriptors().length - before.descriptors;
  return {
    rounds,
    survivors,
    alive: survivors.filter((pid) => processState(pid) === 'S'),
    others: others(),
    descriptors: opened - survivors.length,
    threads: threads().filter((name) => name !== WAITER).length - before.threads,
  };
}

function exit(): never {
  for (let count = 0; count < 50; count++) {
    void startProcess('/bin/sleep', ['sleep', '1000'], { parentDeathSignal: 'SIGKILL' });
    void run('cat', { input: 'x', parentDeathSignal: 'SIGKILL' });
  }
  process.exit(5);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const modes = {
    flat,
    workers: () => workers(200, KINDS),
    forking: () => workers(5, ['forking']),
    exit,
  };
  const report = await modes[process.argv[2] as keyof typeof modes]();
  console.log(JSON.stringify(report));
}
