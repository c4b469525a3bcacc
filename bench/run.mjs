// forkexec beside its peers: `npm run bench`, and `-- --help`. Prints a table for each row and writes
// build/bench/bench.json.
//
// Every peer of a row is measured in the same session, in turns, each time in a process of its own:
// whatever else the machine does meanwhile then meets all of them alike.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, freemem, loadavg, release } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findPeers } from './peers.mjs';
import { ROWS } from './rows.mjs';
import { median, table } from './table.mjs';

const HELP = `bench/run.mjs [--only NAME,…] [--peers NAME,…] [--rounds N] [--quick]
  --only NAME,…   rows: ${Object.keys(ROWS).join(', ')}
  --peers NAME,…  subjects beside forkexec; all that are installed otherwise
  --rounds N      how often each is measured; the median counts (5)
  --quick         2 rounds of a tenth of the work: whether it runs, not how fast`;

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    peers: { type: 'string' },
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  console.log(HELP);
  process.exit();
}

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);
const scale = options.quick ? 0.1 : 1;
const rounds = Number(options.rounds ?? (options.quick ? 2 : 5));
const LIMIT_MS = 180_000;
/** Megabytes that have to be free besides what a row needs. */
const SPARE = 1200;

function fail(message) {
  console.error(message);
  process.exit(2);
}

const names = options.only?.split(',') ?? Object.keys(ROWS);
for (const name of names) {
  if (ROWS[name] === undefined) fail(`There is no row ${name}: ${Object.keys(ROWS).join(', ')}`);
}
if (!existsSync(join(root, 'lib', 'index.js'))) fail('Build the library first: npm run build');

/** Installs the packages of the peers, from the lock file of bench/. */
function install() {
  if (existsSync(join(here, 'node_modules'))) return;
  console.log('installing the peers into bench/node_modules');
  const words = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status } = spawnSync('npm', words, { cwd: here, stdio: 'inherit' });
  if (status !== 0) fail('npm ci in bench/ failed');
}

/** Runs a command to its end and resolves to its stdout, or to a reason. */
async function outputOf([file, ...args]) {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: root });
  const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const [code, signal] = await new Promise((resolve) => {
    child.on('close', (...end) => resolve(end)).on('error', (error) => resolve([String(error)]));
  });
  clearTimeout(limit);
  if (code === 0) return { stdout };
  const why = stderr.trim().split('\n').at(-1);
  return { failed: `ended with ${signal ?? code}${why === '' ? '' : `: ${why}`}` };
}

/** One figure of a peer, `{ value }`, `{ absent }` or `{ failed }`. */
async function measure(peer, name) {
  const words = peer.words(name, scale);
  if (words === undefined) return { absent: true };
  const begin = performance.now();
  const { stdout, failed } = await outputOf(words);
  if (failed !== undefined) return { failed };
  if (name === 'command') return { value: performance.now() - begin };
  const line = stdout.trim().split('\n').at(-1);
  const result = line.startsWith('{') ? JSON.parse(line) : { value: Number(line) };
  if (result.failed || result.absent || Number.isFinite(result.value)) return result;
  return { failed: `printed ${line}` };
}

/** By peer: the figures of all rounds, and why there are none. */
async function measureRow(name, peers) {
  const { megabytes = 0 } = ROWS[name];
  const free = Math.round(freemem() / 2 ** 20);
  if (free < megabytes + SPARE) return { skipped: `only ${free} MB of memory are free` };
  const results = new Map(peers.map((peer) => [peer.name, { values: [] }]));
  for (let round = 0; round < rounds; round++) {
    // Every second round backwards, so that none always comes right after the same other.
    for (const peer of round % 2 === 0 ? peers : peers.toReversed()) {
      const result = results.get(peer.name);
      if (result.absent || result.failed) continue;
      if (process.stderr.isTTY) {
        process.stderr.write(`\r\x1b[K${name}, round ${round + 1} of ${rounds}: ${peer.name}`);
      }
      const { value, absent, failed } = await measure(peer, name);
      if (value !== undefined) result.values.push(value);
      else Object.assign(result, { absent, failed });
    }
  }
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  return { results };
}

/** How many times as good the first is as the second. */
function timesAsGood(row, ours, theirs) {
  return row.better === 'more' ? ours / theirs : theirs / ours;
}

const number = (value) =>
  value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);

function summarize(name, results) {
  const row = ROWS[name];
  const own = results.get('forkexec')?.values ?? [];
  const ours = own.length === 0 ? Number.NaN : median(own);
  const peers = [...results]
    .filter(([, { absent }]) => !absent)
    .map(([peer, { values, failed }]) => {
      if (values.length === 0) return { peer, failed };
      const value = median(values);
      // Of half the spread, so that 5 % reads as ± 5 %.
      const spread = (Math.max(...values) - Math.min(...values)) / 2 / value;
      const ratio = timesAsGood(row, ours, value);
      const goal = row.goals?.[peer];
      return { peer, value, values, spread, ratio, goal, met: goal && ratio >= goal };
    });
  const met = row.most === undefined ? undefined : ours <= row.most;
  return { row: name, title: row.title, better: row.better, most: row.most, met, peers };
}

function print({ title, better, most, met, peers }) {
  console.log(`${title} (${better} is better)`);
  const rows = peers.map(({ peer, value, spread, ratio, goal, met: reached, failed }) => {
    if (failed !== undefined) return [`  ${peer}`, failed.slice(0, 60), '', '', ''];
    const wanted = goal === undefined ? '' : `≥ ${goal.toFixed(2)} ${reached ? 'met' : 'MISSED'}`;
    const beside = peer === 'forkexec' ? '' : `${ratio.toFixed(2)} ×`;
    return [`  ${peer}`, number(value), `± ${(spread * 100).toFixed(0)} %`, beside, wanted];
  });
  console.log(table([['', '', 'spread', 'forkexec', 'goal'], ...rows], 1).join('\n'));
  if (most !== undefined)
    console.log(`  goal: ≤ ${most.toLocaleString('en')} ${met ? 'met' : 'MISSED'}`);
  console.log('');
}

install();
const { peers, absent } = findPeers(options.peers?.split(','));
const about = {
  node: process.version,
  arch: process.arch,
  kernel: release(),
  cpus: availableParallelism(),
  version: JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version,
  rounds,
  scale,
  loadBefore: loadavg()[0],
  absent,
};
console.log(
  `forkexec ${about.version}, Node ${about.node}, Linux ${about.kernel} ${about.arch}, ` +
    `${about.cpus} processors, load ${about.loadBefore.toFixed(1)}; median of ${rounds} rounds`,
);
for (const { name, why } of absent) console.log(`absent: ${name} (${why})`);
console.log('');

const summaries = [];
for (const name of names) {
  const { results, skipped } = await measureRow(name, peers);
  if (skipped !== undefined) {
    console.log(`${ROWS[name].title}: left out, ${skipped}\n`);
    continue;
  }
  const summary = summarize(name, results);
  summaries.push(summary);
  print(summary);
}
const file = join(root, 'build', 'bench', 'bench.json');
mkdirSync(dirname(file), { recursive: true });
const report = { ...about, loadAfter: loadavg()[0], rows: summaries };
writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
console.log('All figures: build/bench/bench.json');
