// Everything at once for a while, and then a look at what is left:
//
//   long-stress SECONDS SEED
//
// Commands, pipelines, terminals, random options, aborts at random times, Workers that are terminated, a storm of
// signals, descriptors that come and go, and garbage collection. Writes counts to stdout as JSON; throws where
// something is left, or was told never or twice. The same seed makes the same choices.

import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { command, ExitError, type RunOptions, run, runSync, spawn } from '#dist/index.js';
import { LaunchError } from '#dist/process/index.js';
import { notify } from '#dist/signal/index.js';
import type { Busy } from './busy-worker.js';
import { until } from './streams.js';
import { children, openDescriptors, threads } from './test.js';

export interface StressReport {
  seed: number;
  /** How often each thing was done. */
  done: Record<string, number>;
  /** Launches that were aborted before or after their child was there. */
  aborted: number;
  signals: number;
  /** MiB of resident memory that came in the second half. */
  growth: number;
}

const [seconds, seed] = process.argv.slice(2).map(Number) as [number, number];

let state = seed >>> 0;
/** A number below a limit, the same again for the same seed. */
function below(limit: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * limit);
}
const oneOf = <T>(values: readonly T[]): T => values[below(values.length)] as T;

let aborted = 0;
let signals = 0;

/** Options that every user may set. */
function randomOptions(): RunOptions {
  return {
    ...(below(2) === 0 ? { umask: below(0o777) } : {}),
    ...(below(3) === 0 ? { session: true } : {}),
    ...(below(3) === 0 ? { nice: 5 } : {}),
    ...(below(3) === 0 ? { cwd: '/' } : {}),
    ...(below(3) === 0 ? { rlimits: { core: 0 } } : {}),
    ...(below(3) === 0 ? { parentDeathSignal: 'SIGKILL' } : {}),
    ...(below(4) === 0 ? { stdin: { file: '/dev/null' } } : {}),
    ...(below(4) === 0 ? { stop: { scope: oneOf(['process', 'tree'] as const) } } : {}),
  };
}

const THINGS: Readonly<Record<string, () => Promise<void>>> = {
  run: async () => {
    assert.equal((await run('echo', ['word'], randomOptions())).stdout, 'word');
  },
  fail: async () => {
    await assert.rejects(run('/no/such/program', randomOptions()), LaunchError);
  },
  abort: async () => {
    const controller = new AbortController();
    const running = run('sleep', ['60'], { ...randomOptions(), signal: controller.signal });
    const settled = running.then(
      () => assert.fail('it was to be aborted'),
      (error) => assert.ok(error instanceof ExitError || error === controller.signal.reason, error),
    );
    if (below(3) > 0) await sleep(below(10));
    controller.abort();
    await settled;
    aborted += 1;
  },
  timeout: async () => {
    await assert.rejects(run('sleep', ['60'], { timeout: 1 + below(20) }));
  },
  sync: async () => {
    assert.equal(runSync('echo', ['word']).stdout, 'word');
  },
  pipeline: async () => {
    const { stdout } = await command('echo', ['word']).pipe(command('cat')).run();
    assert.equal(stdout, 'word');
  },
  spawn: async () => {
    const child = await spawn('cat', [], { stdin: 'pipe', stdout: 'pipe' });
    let ends = 0;
    const text: Buffer[] = [];
    child.stdout.on('data', (bytes: Buffer) => text.push(bytes));
    child.stdout.on('end', () => {
      ends += 1;
    });
    child.stdin.end('word');
    assert.equal((await child.closed).code, 0);
    await turn();
    assert.equal(String(Buffer.concat(text)), 'word');
    assert.equal(ends, 1, 'the end is told once');
  },
  kill: async () => {
    const child = await spawn('sleep', ['60'], { stdin: 'null', stdout: 'null', stderr: 'null' });
    let stops = 0;
    child.on('stopped', () => {
      stops += 1;
    });
    child.kill('SIGSTOP');
    await until('its stop is told', () => stops > 0);
    child.kill('SIGKILL');
    assert.equal((await child.exited).signal, 'SIGKILL');
    assert.equal(stops, 1, 'a stop is told once');
  },
  terminal: async () => {
    assert.match(String((await run('echo', ['word'], { terminal: {} })).stdout), /^word/);
  },
  worker: async () => {
    const workerData: Busy = oneOf(['pipeline', 'files', 'sync', 'opened', 'terminal']);
    const file = fileURLToPath(new URL('busy-worker.js', import.meta.url));
    const worker = new Worker(file, { workerData });
    await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    await sleep(below(30));
    await worker.terminate();
  },
};

/** Mostly cheap things; a Worker weighs as much as fifty commands. */
const CHOICES = Object.keys(THINGS).flatMap((name) => {
  const weight = { worker: 1, kill: 4, terminal: 4, timeout: 6, sync: 6 }[name] ?? 12;
  return Array.from({ length: weight }, () => name);
});

const LANES = 8;
const done: Record<string, number> = {};

async function workUntil(time: number): Promise<void> {
  const lane = async (): Promise<void> => {
    while (performance.now() < time) {
      const name = oneOf(CHOICES);
      await (THINGS[name] as () => Promise<void>)();
      done[name] = (done[name] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

/** Descriptors that come and go, signals, and garbage collection, until it is stopped. */
function disturb(): () => Promise<void> {
  let isOver = false;
  const stream = notify('SIGUSR1');
  stream.on('signal', () => {
    signals += 1;
  });
  const loop = async (): Promise<void> => {
    for (let round = 0; !isOver; round++) {
      const fds = Array.from({ length: 1 + (round % 8) }, () => openSync('/dev/null', 'r'));
      process.kill(process.pid, 'SIGUSR1');
      if (round % 50 === 0) globalThis.gc?.();
      await sleep(1);
      for (const fd of fds) closeSync(fd);
    }
  };
  const looping = loop();
  return async () => {
    isOver = true;
    await looping;
    stream.stop();
  };
}

/** What is there when nothing runs. The runtime has threads of its own, and they are not counted. */
function left(): { descriptors: number; children: number; calls: number } {
  const calls = threads().filter((name) => /^forkexec-(call|wait)$/.test(name)).length;
  return { descriptors: openDescriptors().length, children: children().length, calls };
}

async function round(length: number): Promise<void> {
  const stop = disturb();
  await workUntil(performance.now() + length).finally(stop);
  await until('no child and no thread of a call is left', () => {
    const { children: count, calls } = left();
    return count === 0 && calls === 0;
  });
  globalThis.gc?.();
}

for (const name of Object.keys(THINGS)) await THINGS[name]?.(); // what is started once and kept
await round(100 * seconds);
const before = left();
await round(450 * seconds);
const middle = process.memoryUsage.rss();
await round(450 * seconds);
const growth = Math.round((process.memoryUsage.rss() - middle) / 2 ** 20);
await until('descriptors are as before', () => left().descriptors <= before.descriptors);
assert.ok(growth < 100, `${growth} MiB more resident memory, seed ${seed}`);
const report: StressReport = { seed, done, aborted, signals, growth };
console.log(JSON.stringify(report));
