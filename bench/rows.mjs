// What is measured: a row for each figure. `goals` say how many times as good as a peer forkexec is to
// be, `most` which value it must not exceed.
//
// A row's `measure` runs in a process of its own, in Node, Bun or Deno, and returns the value in the
// row's unit. It gets the subject, one of bench/subjects.mjs, and `scale`: 1, or less with --quick.
import { performance } from 'node:perf_hooks';

const MB = 1_000_000;

/** Repeats `body`, `lanes` at a time, for `ms` milliseconds: how many a second. */
async function rateOf(body, lanes, ms) {
  for (let warm = 0; warm < 20; warm++) await body();
  let count = 0;
  const begin = performance.now();
  const lane = async () => {
    for (; performance.now() - begin < ms; count++) await body();
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return count / ((performance.now() - begin) / 1000);
}

/** Megabytes a second of a body that returns how many bytes it moved. */
async function throughputOf(body, size) {
  const begin = performance.now();
  const moved = await body();
  if (moved !== size) throw new Error(`${moved} bytes instead of ${size}`);
  return size / MB / ((performance.now() - begin) / 1000);
}

/** Memory that is written to, and so is there. */
const touch = (megabytes) =>
  Array.from({ length: megabytes >> 6 }, () => new Uint8Array(64 << 20).fill(1));

async function holdOf(subject, megabytes, scale) {
  const memory = touch(megabytes);
  const holds = [];
  for (let count = 0; count < 300 * scale + 20; count++) {
    const begin = performance.now();
    const running = subject.launch();
    if (count >= 20) holds.push((performance.now() - begin) * 1000);
    await running;
  }
  if (memory.length !== megabytes >> 6) throw new Error('the memory is gone');
  return holds.sort((a, b) => a - b)[holds.length >> 1];
}

/** For how many microseconds the event loop did something, the median of all rounds. */
async function busyOf(body, megabytes, rounds) {
  const memory = touch(megabytes);
  const busy = [];
  for (let count = 0; count < rounds + 20; count++) {
    const before = performance.eventLoopUtilization();
    const begin = performance.now();
    await body();
    const { active, idle } = performance.eventLoopUtilization(before);
    // What runs before this turn of the loop ends is not counted yet.
    const elapsed = performance.now() - begin;
    if (count >= 20) busy.push(Math.max(active, elapsed - idle) * 1000);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  if (memory.length !== megabytes >> 6) throw new Error('the memory is gone');
  return busy.sort((a, b) => a - b)[busy.length >> 1];
}

/** Resident memory of this process, bytes. */
const residentBytes = () => {
  globalThis.gc?.();
  return process.memoryUsage.rss();
};

const MORE = { better: 'more' };
const LESS = { better: 'less' };

export const ROWS = {
  'launch-16': {
    ...MORE,
    title: 'launches of /bin/true a second, 16 in flight',
    needs: 'launch',
    goals: { 'c, vfork': 0.88, go: 1.2, bun: 1.15 },
    measure: (subject, scale) => rateOf(subject.launch, 16, 1500 * scale),
  },
  'launch-1': {
    ...MORE,
    title: 'launches of /bin/true a second, 1 in flight',
    needs: 'launch',
    goals: { go: 1, bun: 1 },
    measure: (subject, scale) => rateOf(subject.launch, 1, 1500 * scale),
  },
  sync: {
    ...MORE,
    title: 'synchronous launches of /bin/true a second',
    needs: 'sync',
    goals: { 'c, posix_spawn': 0.95 },
    measure: (subject, scale) => rateOf(subject.sync, 1, 1500 * scale),
  },
  output: {
    ...MORE,
    title: 'echo with its output collected, a second, 4 in flight',
    needs: 'output',
    goals: { go: 1.1, bun: 1.2, execa: 5 },
    measure: (subject, scale) => rateOf(subject.output, 4, 1500 * scale),
  },
  lines: {
    ...MORE,
    title: 'a million lines, for await: lines a second',
    needs: 'lines',
    goals: { child_process: 1.3 },
    measure: async (subject, scale) => {
      const count = Math.round(1e6 * scale);
      const begin = performance.now();
      const found = await subject.lines(count);
      if (found !== count) throw new Error(`${found} lines instead of ${count}`);
      return count / ((performance.now() - begin) / 1000);
    },
  },
  stdin: {
    ...MORE,
    title: '512 MB into stdin of wc -c: MB a second',
    needs: 'stdin',
    goals: { child_process: 1.1 },
    measure: (subject, scale) => {
      const data = new Uint8Array(512 * MB * scale);
      return throughputOf(() => subject.stdin(data), data.length);
    },
  },
  stream: {
    ...MORE,
    title: '1 GB read as a stream: MB a second',
    needs: 'stream',
    goals: { child_process: 1.5, bun: 1.4 },
    measure: (subject, scale) => {
      return throughputOf(() => subject.stream(1000 * MB * scale), 1000 * MB * scale);
    },
  },
  bytes: {
    ...MORE,
    title: '256 MB collected as bytes: MB a second',
    needs: 'bytes',
    goals: { bun: 1.2 },
    measure: (subject, scale) => {
      return throughputOf(() => subject.bytes(256 * MB * scale), 256 * MB * scale);
    },
  },
  text: {
    ...MORE,
    title: '128 MB collected as text: MB a second',
    needs: 'text',
    goals: { bun: 1.3 },
    measure: (subject, scale) => {
      return throughputOf(() => subject.text(128 * MB * scale), 128 * MB * scale);
    },
  },
  pipeline: {
    ...MORE,
    title: '1 GB through a pipeline of 4 commands: MB a second',
    needs: 'pipeline',
    goals: { shell: 1.2 },
    measure: (subject, scale) => {
      return throughputOf(() => subject.pipeline(1000 * MB * scale), 1000 * MB * scale);
    },
  },
  alive: {
    ...LESS,
    title: '5,000 processes alive: bytes of this process for each',
    needs: 'alive',
    most: 2500,
    measure: async (subject, scale) => {
      const count = 5000 * scale;
      const running = [];
      for (let warm = 0; warm < 100; warm++) running.push(await subject.alive());
      const before = residentBytes();
      for (let left = count; left > 0; left--) running.push(await subject.alive());
      const bytes = (residentBytes() - before) / count;
      for (const end of running) end();
      return bytes;
    },
  },
  hold: {
    ...LESS,
    title: 'event loop held by one launch, launches one by one: µs',
    needs: 'launch',
    most: 20,
    measure: (subject, scale) => holdOf(subject, 0, scale),
  },
  'hold-2GB': {
    ...LESS,
    title: 'event loop held by one launch with 2 GB in use: µs',
    needs: 'launch',
    megabytes: 2048,
    most: 23,
    measure: (subject, scale) => holdOf(subject, 2048, scale),
  },
  terminal: {
    ...MORE,
    title: '64 MB out of a terminal in raw mode: MB a second',
    needs: 'terminal',
    goals: { '@lydell/node-pty': 2 },
    measure: (subject, scale) => {
      return throughputOf(() => subject.terminal(64 * MB * scale), 64 * MB * scale);
    },
  },
  'terminal-hold-2GB': {
    ...LESS,
    title: 'event loop busy with opening, ending and closing a terminal, 2 GB in use: µs',
    needs: 'trueOnTerminal',
    megabytes: 2048,
    most: 250,
    measure: (subject, scale) => busyOf(subject.trueOnTerminal, 2048, 200 * scale),
  },
  'terminal-unread': {
    ...LESS,
    title: 'CPU beside a terminal that is full and not read: % of a processor',
    needs: 'fullTerminal',
    most: 1,
    measure: async (subject) => {
      const end = await subject.fullTerminal();
      const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
      await sleep(200);
      const before = process.cpuUsage();
      await sleep(1000);
      const { user, system } = process.cpuUsage(before);
      end();
      return (user + system) / 10_000;
    },
  },
  import: { ...LESS, title: 'import: ms', needs: 'load', most: 8 },
  command: {
    ...LESS,
    title: 'forkexec run -- true, from start to end: ms',
    needs: 'words',
    goals: { node: 1 / 1.2 },
  },
};
