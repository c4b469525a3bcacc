// Measures @forkexec/core/child_process beside node:child_process: one launch after another, 16 at a
// time, and both with 500 MB of heap; synchronous runs, captured output, and messages of a fork.
//
//   node bench/child_process.mjs [--quick] [PART…]    only rows with one of these in their name
//
// The two modules take turns, so that what else the machine does meets both. Each figure is the median of
// the rounds; the ratio is how much less time the drop-in takes.
import * as node from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import * as forkexec from '../lib/child_process.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean' }, echo: { type: 'boolean' } },
});
/** `count` runs of `one`, so many at a time. */
async function inFlight(count, atOnce, one) {
  let left = count;
  const lane = async () => {
    while (left-- > 0) await one();
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}

const ROWS = {
  'spawn, without pipes': (cp) => () => once(cp.spawn('/bin/true', { stdio: 'ignore' }), 'close'),
  'spawn, with pipes': (cp) => () => {
    const child = cp.spawn('/bin/true');
    return once(child, 'close');
  },
  'exec of a line': (cp) => {
    const run = promisify(cp.exec);
    return () => run('true');
  },
  'execFile with 1 MB of output': (cp) => {
    const run = promisify(cp.execFile);
    const options = { encoding: 'buffer', maxBuffer: 2 ** 24 };
    return () => run('head', ['-c', '1000000', '/dev/zero'], options);
  },
};

const SYNC = {
  execFileSync: (cp) => () => cp.execFileSync('/bin/true'),
  'spawnSync with 1 MB of output': (cp) => () =>
    cp.spawnSync('head', ['-c', '1000000', '/dev/zero'], { maxBuffer: 2 ** 24 }),
};

/** Milliseconds for the messages there and back, without the time that the child needs to start. */
async function messages(cp, count, serialization) {
  const child = cp.fork(fileURLToPath(import.meta.url), ['--echo'], { serialization });
  child.send(-1);
  await once(child, 'message');
  let back = 0;
  const all = new Promise((resolve) => {
    child.on('message', () => {
      if (++back === count) resolve();
    });
  });
  const start = performance.now();
  for (let n = 0; n < count; n++) child.send({ n, text: 'a message' });
  await all;
  const time = performance.now() - start;
  child.disconnect();
  await once(child, 'exit');
  return time;
}

function median(numbers) {
  return numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

/** Time of the drop-in against that of Node, over rounds that take turns. */
async function compare(name, count, run) {
  if (positionals.length > 0 && !positionals.some((part) => name.includes(part))) return;
  const rounds = values.quick ? 3 : 9;
  const times = { node: [], forkexec: [] };
  for (let round = 0; round <= rounds; round++) {
    const order = round % 2 === 0 ? ['node', 'forkexec'] : ['forkexec', 'node'];
    for (const which of order) {
      const time = await run(which === 'node' ? node : forkexec);
      if (round > 0) times[which].push(time / count);
    }
  }
  const [theirs, ours] = [median(times.node), median(times.forkexec)].map((ms) => ms * 1000);
  const figures = [theirs, ours].map((us) => us.toFixed(0).padStart(9));
  console.log(`| ${name.padEnd(52)} | ${figures.join(' | ')} | ${(theirs / ours).toFixed(2)} × |`);
}

async function timed(run) {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

async function measureLaunches(suffix) {
  const count = values.quick ? 16 : 48;
  for (const [name, prepare] of Object.entries(ROWS)) {
    for (const atOnce of [1, 16]) {
      await compare(`${name}, ${atOnce} in flight${suffix}`, count, (cp) => {
        const one = prepare(cp);
        return timed(() => inFlight(count, atOnce, one));
      });
    }
  }
  for (const [name, prepare] of Object.entries(SYNC)) {
    await compare(`${name}${suffix}`, count, (cp) => {
      const one = prepare(cp);
      return timed(async () => {
        for (let n = 0; n < count; n++) one();
      });
    });
  }
  // How long the event loop stands still for a launch.
  await compare(`the call of spawn${suffix}`, count, async (cp) => {
    let time = 0;
    for (let n = 0; n < count; n++) {
      const start = performance.now();
      const child = cp.spawn('/bin/true', { stdio: 'ignore' });
      time += performance.now() - start;
      await once(child, 'close');
    }
    return time;
  });
}

async function measure() {
  console.log('| microseconds each'.padEnd(55), '|      Node |   drop-in | ratio |');
  console.log(`|${'-'.repeat(54)}|----------:|----------:|------:|`);
  await measureLaunches('');
  for (const serialization of ['json', 'advanced']) {
    const count = values.quick ? 2000 : 10_000;
    const name = `fork, ${count} messages there and back, ${serialization}`;
    await compare(name, count, (cp) => messages(cp, count, serialization));
  }
  const heap = Array.from({ length: 500 }, () => Buffer.alloc(2 ** 20, 1));
  await measureLaunches(', 500 MB of heap');
  heap.length = 0;
}

if (values.echo) {
  process.on('message', (message) => process.send(message));
  process.on('disconnect', () => process.exit());
} else {
  await measure();
}
