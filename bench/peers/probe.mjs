// One probe of one subject, in a process of its own: probe.mjs SUBJECT PROBE [ARGUMENT]. Prints one
// line of JSON. Runs in Node, Bun and Deno, from build/peers.
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { shortly, subjects } from './subjects.mjs';

const [name, probe, argument] = process.argv.slice(2);
const MiB = 1024 * 1024;

/** Memory that is there and not only promised. */
function touch(megabytes) {
  const block = 128;
  return Array.from({ length: Math.ceil(megabytes / block) }, () => {
    return new Uint8Array(Math.min(megabytes, block) * MiB).fill(1);
  });
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/** How long the event loop does not come round while `body` runs, milliseconds. */
async function longestHold(body) {
  let longest = 0;
  let last = performance.now();
  let over = false;
  const look = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (!over) setImmediate(look);
  };
  setImmediate(look);
  await body();
  over = true;
  look();
  return longest;
}

const probes = {
  import: async () => {
    const before = performance.now();
    await subjects[name]();
    return { ms: performance.now() - before };
  },
  /** P1: the child is there by now; whoever started this ends it. */
  linger: async (subject) => {
    await subject.linger(argument);
    await sleep(200);
    console.log(JSON.stringify({ ready: true }));
    await sleep(60_000);
  },
  /** P2 */
  settle: async (subject) => {
    const [script, timeout] = JSON.parse(argument);
    const before = performance.now();
    let outcome;
    try {
      outcome = { stdout: String(await subject.settle(script, timeout)).trim() };
    } catch (error) {
      outcome = { error: shortly(error) };
    }
    return { ms: performance.now() - before, ...outcome };
  },
  /** P3 */
  hold: async (subject) => {
    const memory = touch(Number(argument));
    for (let warm = 0; warm < 5; warm++) await subject.run();
    const holds = [];
    for (let round = 0; round < 15; round++) holds.push(await longestHold(() => subject.run()));
    return { ms: median(holds), blocks: memory.length };
  },
  /** One command after another. */
  cycle: async (subject) => {
    for (let warm = 0; warm < 20; warm++) await subject.run();
    const times = [];
    for (let round = 0; round < 10; round++) {
      const before = performance.now();
      for (let count = 0; count < 20; count++) await subject.run();
      times.push((performance.now() - before) / 20);
    }
    return { ms: median(times) };
  },
  capture: async (subject) => {
    const size = 64 * MiB;
    const times = [];
    for (let round = 0; round < 7; round++) {
      const before = performance.now();
      const length = await subject.capture(size);
      if (length !== size) throw new Error(`${length} bytes were collected`);
      times.push(performance.now() - before);
    }
    return { ms: median(times) };
  },
  /** P14 */
  maxRss: async (subject) => {
    const memory = touch(Number(argument));
    if (subject.maxRss === undefined) return { told: false };
    const bytes = await subject.maxRss();
    return { told: true, bytes: bytes ?? null, blocks: memory.length };
  },
};

try {
  // Imports are timed by the probe itself.
  const subject = probe === 'import' ? undefined : await subjects[name]();
  console.log(JSON.stringify(await probes[probe](subject)));
} catch (error) {
  console.log(JSON.stringify({ failed: shortly(error) }));
}
process.exit(0);
