// One heap size of bench/launch.mjs: fills the heap, then measures on request, round by
// round. A process of its own, so that no heap size inherits the memory of another.
import { spawn as nodeSpawn } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { spawn } from '../lib/index.js';
import { startProcess } from '../lib/process.js';

const PROGRAM = '/bin/true';
const NULL_STDIO = { stdin: 'null', stdout: 'null', stderr: 'null' };
const NULL_FILES = { files: ['null', 'null', 'null'] };

/** Each starts the program, says when the call returned, and settles at the program's exit. */
const subjects = {
  async spawn(returned) {
    const starting = spawn(PROGRAM, [], NULL_STDIO);
    returned();
    const child = await starting;
    const status = await child.exited;
    return status.code;
  },
  async startProcess(returned) {
    const starting = startProcess(PROGRAM, ['true'], NULL_FILES);
    returned();
    const child = await starting;
    const status = await child.wait();
    return status.code;
  },
  child_process(returned) {
    const child = nodeSpawn(PROGRAM, [], { stdio: 'ignore' });
    returned();
    return new Promise((resolve, reject) => {
      child.on('exit', resolve);
      child.on('error', reject);
    });
  },
};

/** Memory that fork has to copy the page tables of: every page of it is written to. */
function fill(megabytes) {
  const chunks = [];
  for (let left = megabytes; left > 0; left -= 4) {
    chunks.push(Buffer.allocUnsafeSlow(Math.min(left, 4) << 20).fill(1));
  }
  return chunks;
}

/** Launches for `ms` milliseconds, `inFlight` at a time. Times of calls in microseconds. */
async function measure({ subject, inFlight, ms }) {
  const launchOne = subjects[subject];
  const holds = [];
  const loopBefore = performance.eventLoopUtilization();
  const begin = performance.now();
  const end = begin + ms;
  const lane = async () => {
    do {
      const before = performance.now();
      const code = await launchOne(() => holds.push((performance.now() - before) * 1000));
      if (code !== 0) throw new Error(`${PROGRAM} ended with ${code}`);
    } while (performance.now() < end);
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  const seconds = (performance.now() - begin) / 1000;
  const { active } = performance.eventLoopUtilization(loopBefore);
  return {
    launches: holds.length,
    rate: holds.length / seconds,
    // All that the loop did, the handling of the exits included.
    busy: (active * 1000) / holds.length,
    holds: holds.map((hold) => Math.round(hold * 100) / 100),
  };
}

const heap = fill(Number(process.argv[2]));
process.on('message', async (request) => {
  const measured = await measure(request);
  // Naming the heap here is also what keeps it from being collected.
  process.send({ ...measured, chunks: heap.length, rss: process.memoryUsage.rss() });
});
process.send('ready');
