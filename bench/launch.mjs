// Launches of /bin/true: what a launch costs the event loop and how many there are a second, beside
// node:child_process, by heap size and by how many are in flight.
//
// All are measured in alternating rounds, of which the median counts: whatever else the machine does
// meanwhile then meets all of them alike.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { availableParallelism, freemem, loadavg, release } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median, quantile, table } from './table.mjs';

const HELP = `bench/launch.mjs [--rounds N] [--ms N]
  --rounds N   rounds of each measurement (7)
  --ms N       milliseconds of a round (400)`;

const HEAPS = [0, 500, 2048]; // MB
const IN_FLIGHT = [1, 4, 16];
const SUBJECTS = ['spawn', 'startProcess', 'child_process'];
const LABELS = {
  spawn: 'forkexec spawn',
  startProcess: 'forkexec startProcess',
  child_process: 'node:child_process',
};
/** What has to be free besides the heaps themselves. */
const SPARE_MB = 512;

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    ms: { type: 'string', default: '400' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  console.log(HELP);
  process.exit();
}
const rounds = Number(options.rounds);
const ms = Number(options.ms);

function heapName(megabytes) {
  if (megabytes === 0) return 'small';
  return megabytes < 1024 ? `${megabytes} MB` : `${megabytes / 1024} GB`;
}

/** A process with that much memory, and a way to ask it for a round. */
async function startWorker(megabytes) {
  const worker = fork(new URL('launch-worker.mjs', import.meta.url), [String(megabytes)]);
  let failed;
  const failure = new Promise((_, reject) => {
    failed = reject;
  });
  worker.on('exit', (code, signal) => failed(new Error(`a worker ended with ${signal ?? code}`)));
  const answer = async () => (await Promise.race([once(worker, 'message'), failure]))[0];
  await answer();
  const measure = (request) => {
    const answered = answer();
    worker.send(request);
    return answered;
  };
  const stop = () => {
    failure.catch(() => {}); // its end is what is wanted now
    worker.disconnect();
  };
  return { megabytes, measure, stop };
}

async function startWorkers() {
  const workers = [];
  for (const megabytes of HEAPS) {
    if (freemem() / 2 ** 20 < megabytes + SPARE_MB) {
      console.log(`Left out, for want of memory: ${heapName(megabytes)} of heap.`);
    } else {
      workers.push(await startWorker(megabytes));
    }
  }
  return workers;
}

/** Everything to measure: a cell for each heap, number in flight and subject. */
function cellsOf(workers) {
  return workers.flatMap((worker) =>
    IN_FLIGHT.flatMap((inFlight) =>
      SUBJECTS.map((subject) => ({ worker, inFlight, subject, rounds: [] })),
    ),
  );
}

async function measureAll(cells) {
  // Compiled code is what is measured, not how it got compiled.
  for (const { worker, inFlight, subject } of cells) {
    await worker.measure({ subject, inFlight, ms: ms / 2 });
  }
  for (let round = 1; round <= rounds; round++) {
    if (process.stderr.isTTY) process.stderr.write(`\rround ${round} of ${rounds} `);
    // Every second round backwards, so that none always comes right after the same other.
    const order = round % 2 === 0 ? cells.toReversed() : cells;
    for (const { worker, inFlight, subject, rounds: measured } of order) {
      measured.push(await worker.measure({ subject, inFlight, ms }));
    }
  }
  if (process.stderr.isTTY) process.stderr.write('\r');
}

function summarize({ worker, inFlight, subject, rounds: measured }) {
  // p99 of all: a round of the slowest has a dozen launches.
  const holds = measured.flatMap((round) => round.holds).sort((a, b) => a - b);
  return {
    heapMB: worker.megabytes,
    inFlight,
    subject,
    launches: holds.length,
    launchesPerSecond: median(measured.map((round) => round.rate)),
    holdMedian: median(measured.map((round) => median(round.holds))),
    holdP99: quantile(holds, 0.99),
    loopPerLaunch: median(measured.map((round) => round.busy)),
    leastRss: Math.min(...measured.map((round) => round.rss)),
    rounds: measured.map((round) => ({
      launches: round.launches,
      launchesPerSecond: round.rate,
      holdMedian: median(round.holds),
      loopPerLaunch: round.busy,
    })),
  };
}

function find(results, heapMB, inFlight, subject) {
  return results.find(
    (one) => one.heapMB === heapMB && one.inFlight === inFlight && one.subject === subject,
  );
}

const round1 = (value) => value.toFixed(1);
const times = (value) => `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ×`;
const thousands = (value) => Math.round(value).toLocaleString('en');

function resultTable(results) {
  const head = ['heap', 'in flight', '', 'call µs', 'p99', 'loop µs', 'launches/s'];
  const rows = [[...head, 'rate', 'call']];
  for (const one of results) {
    const node = find(results, one.heapMB, one.inFlight, 'child_process');
    const ours = one !== node;
    rows.push([
      one.subject === SUBJECTS[0] ? heapName(one.heapMB) : '',
      one.subject === SUBJECTS[0] ? String(one.inFlight) : '',
      LABELS[one.subject],
      round1(one.holdMedian),
      round1(one.holdP99),
      round1(one.loopPerLaunch),
      thousands(one.launchesPerSecond),
      ours ? times(one.launchesPerSecond / node.launchesPerSecond) : '',
      ours ? `1/${thousands(node.holdMedian / one.holdMedian)}` : '',
    ]);
  }
  return table(rows, 3);
}

/** What the library promises, at 16 in flight. */
function checksOf(results) {
  const at = (heapMB, subject) => find(results, heapMB, 16, subject);
  const rate = (heapMB) =>
    at(heapMB, 'spawn')?.launchesPerSecond / at(heapMB, 'child_process')?.launchesPerSecond;
  const hold = (heapMB) => at(heapMB, 'spawn')?.holdMedian;
  return [
    { what: 'rate beside child_process, small heap', value: rate(0), least: 2.5 },
    { what: 'rate beside child_process, 500 MB', value: rate(500), least: 25 },
    { what: 'µs that spawn() holds the loop, small heap', value: hold(0), most: 30 },
    { what: 'the same with 2 GB, beside the small heap', value: hold(2048) / hold(0), most: 1.3 },
  ].map((check) => ({
    ...check,
    met: Number.isNaN(check.value ?? Number.NaN)
      ? undefined
      : check.value >= (check.least ?? 0) &&
        check.value <= (check.most ?? Number.POSITIVE_INFINITY),
  }));
}

function checkTable(checks) {
  const rows = checks.map(({ what, value, least, most, met }) => [
    met === undefined ? 'not measured' : met ? 'met' : 'MISSED',
    what,
    met === undefined ? '' : value.toFixed(2),
    least === undefined ? `≤ ${most}` : `≥ ${least}`,
  ]);
  return table(rows, 2);
}

async function machine() {
  const hugePages = '/sys/kernel/mm/transparent_hugepage/enabled';
  // With huge pages fork has less to copy, which makes child_process look better.
  const setting = await readFile(hugePages, 'utf8').catch(() => '[unknown]');
  return {
    node: process.version,
    arch: process.arch,
    kernel: release(),
    cpus: availableParallelism(),
    hugePages: /\[(\w+)\]/.exec(setting)?.[1],
    loadBefore: loadavg()[0],
  };
}

const about = await machine();
console.log(
  `Node ${about.node}, Linux ${about.kernel} ${about.arch}, ${about.cpus} processors, ` +
    `load ${about.loadBefore.toFixed(1)}, huge pages: ${about.hugePages}`,
);
console.log(`/bin/true, stdio null; median of ${rounds} alternating rounds of ${ms} ms each\n`);

const workers = await startWorkers();
const cells = cellsOf(workers);
try {
  await measureAll(cells);
} finally {
  for (const worker of workers) worker.stop();
}
const results = cells.map(summarize);
const checks = checksOf(results);
console.log(resultTable(results).join('\n'));
console.log(`
call: how long the call itself holds the event loop, median and 99th percentile
loop: all that the event loop does for a launch, its exit included
rate, call: beside node:child_process in the same row\n`);
console.log(checkTable(checks).join('\n'));

const file = join(dirname(dirname(fileURLToPath(import.meta.url))), 'build/bench/launch.json');
mkdirSync(dirname(file), { recursive: true });
const report = {
  ...about,
  rounds,
  ms,
  results,
  checks,
};
writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
console.log('\nAll figures: build/bench/launch.json');
