// Signals: what the launcher adds to a start, how long a signal takes to reach JavaScript, whether a
// flood of real-time signals keeps its order, and whether launches under a storm change the process.
//
// What is compared is measured in turns: whatever else the machine does then meets all alike.
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, release, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { run } from '../lib/index.js';
import { startProcess } from '../lib/process.js';
import { notify } from '../lib/signal.js';
import { rawSyscall, SIG, SYS } from '../lib/syscall.js';
import { median, quantile, table } from './table.mjs';

const HELP = `bench/signal.mjs [--rounds N] [--signals N] [--launches N]
  --rounds N     starts of each program, and fifty times as many signals of each kind (40)
  --signals N    real-time signals in the flood (100000)
  --launches N   launches under the storm (10000)`;

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '40' },
    signals: { type: 'string', default: '100000' },
    launches: { type: 'string', default: '10000' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  console.log(HELP);
  process.exit();
}
const rounds = Number(options.rounds);
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = join(root, 'bin', 'forkexec.js');

/** Milliseconds from the launch to the end. */
async function timeOf(file, args, env) {
  const begin = performance.now();
  const child = await startProcess(file, [file, ...args], env === undefined ? {} : { env });
  const status = await child.wait();
  if (!status.ok) throw new Error(`${file}: ${status}`);
  return performance.now() - begin;
}

/** Programs by name, started in turns: their times in milliseconds. */
async function race(programs) {
  const times = Object.fromEntries(Object.keys(programs).map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, program] of Object.entries(programs)) {
      const time = await timeOf(...program);
      if (round > 0) times[name].push(time); // the first finds nothing in memory
    }
  }
  return times;
}

async function measureLauncher() {
  const folder = mkdtempSync(join(tmpdir(), 'forkexec-bench-'));
  try {
    symlinkSync('/bin/true', join(folder, 'node')); // whose own start would drown the difference
    const app = join(folder, 'app.mjs');
    writeFileSync(app, '');
    const times = await race({
      true: ['/bin/true', []],
      'launcher, then true': [bin, ['node', 'app.mjs'], { PATH: folder }],
      'node app.mjs': [process.execPath, [app]],
      'forkexec node app.mjs': [bin, ['node', app]],
      'forkexec run true': [bin, ['run', 'true']],
    });
    return Object.entries(times).map(([name, list]) => ({ name, ms: median(list) }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const ITIMER_REAL = 0;
const CLOCK_MONOTONIC = 1;
const TIMER_ABSTIME = 1;

function must(name, ...args) {
  const { errno } = rawSyscall(SYS[name], ...args);
  if (errno !== 0) throw new Error(`${name}: errno ${errno}`);
}

/** Microseconds from kill(2) on: to the iterator's turn, and in turns to a listener of process. */
async function measureKill() {
  const stream = notify('SIGUSR2');
  const iterator = stream[Symbol.asyncIterator]();
  const ours = [];
  const nodes = [];
  for (let round = 0; round < rounds * 50; round++) {
    const taken = iterator.next();
    const begin = performance.now();
    process.kill(process.pid, 'SIGUSR2');
    await taken;
    ours.push((performance.now() - begin) * 1000);
    const heard = once(process, 'SIGHUP');
    const again = performance.now();
    process.kill(process.pid, 'SIGHUP');
    await heard;
    nodes.push((performance.now() - again) * 1000);
  }
  stream.stop();
  return { notify: ours, 'process.on': nodes };
}

/** Microseconds from a timer's expiry to the iterator's turn, while the event loop sleeps. */
async function measureIdle() {
  const stream = notify('SIGUSR2');
  const iterator = stream[Symbol.asyncIterator]();
  const timer = new Int32Array(1);
  const event = new Int32Array(16);
  event.set([0, 0, SIG.SIGUSR2, 0]); // sigev_value, sigev_signo, SIGEV_SIGNAL
  must('timer_create', CLOCK_MONOTONIC, event, timer);
  const times = [];
  for (let round = 0; round < rounds * 10; round++) {
    const at = process.hrtime.bigint() + 2_000_000n;
    const when = BigUint64Array.of(0n, 0n, at / 1_000_000_000n, at % 1_000_000_000n);
    must('timer_settime', timer[0], TIMER_ABSTIME, when, null);
    await iterator.next();
    times.push(Number(process.hrtime.bigint() - at) / 1000);
  }
  must('timer_delete', timer[0]);
  stream.stop();
  return times;
}

/** Real-time signals with values, as fast as a child can queue them. */
async function measureFlood(count) {
  const number = SIG.SIGRTMIN + 3;
  const stream = notify(number);
  let [arrived, dropped, outOfOrder, last] = [0, 0, 0, -1];
  stream.on('signal', (info) => {
    arrived++;
    dropped += info.dropped;
    if (info.dropped === 0 ? info.value !== last + 1 : info.value <= last) outOfOrder++;
    last = info.value;
  });
  const begin = performance.now();
  const sender = join(root, 'bench', 'signal-sender.mjs');
  const words = [sender, ...[process.pid, number, count].map(String)];
  const { stdout } = await run(process.execPath, words);
  while (arrived + dropped < count) await new Promise((resolve) => setImmediate(resolve));
  const seconds = (performance.now() - begin) / 1000;
  stream.stop();
  return { count, arrived, dropped, outOfOrder, queueFull: Number(stdout), seconds };
}

/** The mask and dispositions of this process, as the kernel has them. */
function signalState() {
  const status = readFileSync('/proc/self/status', 'latin1');
  return status.match(/^Sig(?:Blk|Ign|Cgt):.*$/gm).join(' ');
}

async function measureStorm(launches) {
  let signals = 0;
  const stream = notify('SIGALRM');
  stream.on('signal', () => signals++);
  const before = signalState();
  const begin = performance.now();
  const every = (us) => must('setitimer', ITIMER_REAL, BigUint64Array.of(0n, us, 0n, us), null);
  every(100n);
  let left = launches;
  const lane = async () => {
    while (left-- > 0) {
      const child = await startProcess('/bin/true', ['true']);
      const status = await child.wait();
      if (!status.ok) throw new Error(String(status));
    }
  };
  await Promise.all(Array.from({ length: 16 }, lane));
  every(0n);
  const seconds = (performance.now() - begin) / 1000;
  const same = signalState() === before;
  stream.stop();
  return { launches, signals, seconds, same };
}

const about = {
  node: process.version,
  arch: process.arch,
  kernel: release(),
  cpus: availableParallelism(),
  loadBefore: loadavg()[0],
};
console.log(
  `Node ${about.node}, Linux ${about.kernel} ${about.arch}, ${about.cpus} processors, ` +
    `load ${about.loadBefore.toFixed(1)}\n`,
);

// Neither listeners of process nor streams that are only listened to keep the event loop alive.
const alive = setInterval(() => {}, 1000);
const launcher = await measureLauncher();
const msOf = (name) => launcher.find((one) => one.name === name).ms;
const added = msOf('launcher, then true') - msOf('true');
const ratio = msOf('forkexec node app.mjs') / msOf('node app.mjs');
console.log(`Start to end, median of ${rounds} in turns`);
console.log(
  table(
    launcher.map(({ name, ms }) => [name, `${ms.toFixed(2)} ms`]),
    1,
  ).join('\n'),
);
console.log(`the launcher adds ${added.toFixed(2)} ms; a start of Node is ${ratio.toFixed(2)} ×\n`);

const kinds = { ...(await measureKill()), 'notify, asleep': await measureIdle() };
const latencies = Object.entries(kinds).map(([name, list]) => {
  const sorted = list.sort((a, b) => a - b);
  return { name, count: list.length, median: median(sorted), p99: quantile(sorted, 0.99) };
});
console.log('From kill(2), or a timer, to JavaScript');
const rows = latencies.map((one) => [
  one.name,
  `${one.median.toFixed(0)} µs`,
  `${one.p99.toFixed(0)} µs`,
]);
console.log(`${table([['', 'median', 'p99'], ...rows], 1).join('\n')}\n`);

const flood = await measureFlood(Number(options.signals));
console.log(
  `${flood.count} real-time signals of a child in ${flood.seconds.toFixed(2)} s: ` +
    `${flood.arrived} arrived, ${flood.outOfOrder} out of order, ${flood.dropped} dropped; ` +
    `the kernel's queue was full ${flood.queueFull} times`,
);

const storm = await measureStorm(Number(options.launches));
console.log(
  `${storm.launches} launches in ${storm.seconds.toFixed(2)} s under ${storm.signals} signals of a ` +
    `timer of 100 µs: mask and dispositions ${storm.same ? 'as before' : 'CHANGED'}\n`,
);

clearInterval(alive);
const checks = [
  { what: 'ms that the launcher adds', value: added, most: 3 },
  { what: 'µs from kill to the turn, median', value: latencies[0].median, most: 100 },
  { what: 'the same, asleep', value: latencies[2].median, most: 100 },
  { what: 'real-time signals out of order', value: flood.outOfOrder, most: 0 },
  {
    what: 'neither arrived nor counted',
    value: flood.count - flood.arrived - flood.dropped,
    most: 0,
  },
  { what: 'masks or dispositions changed', value: storm.same ? 0 : 1, most: 0 },
].map((check) => ({ ...check, met: check.value <= check.most }));
const verdicts = checks.map(({ what, value, most, met }) => [
  met ? 'met' : 'MISSED',
  what,
  value.toFixed(2),
  `≤ ${most}`,
]);
console.log(table(verdicts, 2).join('\n'));

const file = join(root, 'build', 'bench', 'signal.json');
mkdirSync(dirname(file), { recursive: true });
const report = { ...about, rounds, launcher, added, ratio, latencies, flood, storm, checks };
writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
console.log('\nAll figures: build/bench/signal.json');
