// Several parties that want the same signal in one process. Each program prints who got it how often.
//
//   chain-program MODE [ARGUMENT…]

import { writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { notify } from '#dist/signal/index.js';

interface Foreign {
  install(number: number): void;
  count(number: number): number;
  remove(number: number): void;
}

const foreign = createRequire(import.meta.url)(
  fileURLToPath(new URL('foreign.node', import.meta.url)),
) as Foreign;

const NUMBER = 12;
const ROUNDS = 5;
const counts: Record<string, number> = {};

function counter(name: string): () => void {
  counts[name] = 0;
  return () => {
    counts[name] = (counts[name] ?? 0) + 1;
  };
}

/** How often anybody got the signal. */
function total(): number {
  return Object.values(counts).reduce((sum, count) => sum + count, foreign.count(NUMBER));
}

/** Waits until nobody has got anything for a while: on a machine that is busy some are late. */
async function untilQuiet(ms: number): Promise<void> {
  for (let before = -1; before !== total(); ) {
    before = total();
    await sleep(ms);
  }
}

/** How often each got the signal, of some that were sent one by one. */
async function send(what: string): Promise<void> {
  for (const name of Object.keys(counts)) counts[name] = 0;
  const before = foreign.count(NUMBER);
  for (let sent = 0; sent < ROUNDS; sent++) {
    process.kill(process.pid, NUMBER);
    await untilQuiet(10);
  }
  await untilQuiet(50);
  const told = { ...counts, foreign: foreign.count(NUMBER) - before };
  writeSync(1, `${JSON.stringify([what, told])}\n`);
}

/** A Worker that listens until `stop`; its first stream has the handlers looked at anew. */
async function startWorker(): Promise<{ stop: () => Promise<void> }> {
  const file = new URL('signal-worker.js', import.meta.url);
  const worker = new Worker(file, { workerData: ['SIGUSR2'] });
  const count = counter('worker');
  await new Promise((resolve) => worker.once('message', resolve));
  worker.on('message', count);
  return {
    async stop() {
      worker.postMessage('stop');
      await new Promise((resolve) => worker.once('exit', resolve));
      delete counts['worker'];
    },
  };
}

const modes: Record<string, (...args: string[]) => Promise<void>> = {
  /** A handler that was there before the stream. */
  async below() {
    foreign.install(NUMBER);
    const stream = notify('SIGUSR2').on('signal', counter('stream'));
    await send('both');
    stream.stop();
    await send('stopped');
    foreign.remove(NUMBER);
  },

  /** One that came later, and calls ours. */
  async above() {
    const listener = counter('listener');
    process.on('SIGUSR2', listener);
    const stream = notify('SIGUSR2').on('signal', counter('stream'));
    foreign.install(NUMBER);
    await send('above');
    const worker = await startWorker();
    await send('between');
    await worker.stop();
    await send('without the Worker');
    stream.stop();
    await send('stopped');
  },

  /** Two copies of the library, each with its own addon, and listeners. */
  async copies(path = '') {
    const other = (await import(path)) as typeof import('#dist/signal/index.js');
    const first = notify('SIGUSR2').on('signal', counter('first'));
    const second = other.notify('SIGUSR2').on('signal', counter('second'));
    await send('two copies');
    const listener = counter('listener');
    process.on('SIGUSR2', listener);
    await send('and a listener');
    const again = notify('SIGUSR2').on('signal', counter('again'));
    await send('and one more');
    first.stop();
    again.stop();
    await send('the first stopped');
    second.stop();
    await send('the second stopped');
    process.off('SIGUSR2', listener);
    await sleep(200); // as late as Deno is
    process.kill(process.pid, 'SIGUSR2'); // its default: the end
    await sleep(1000);
  },
};

const [mode = '', ...args] = process.argv.slice(2);
await modes[mode]?.(...args);
