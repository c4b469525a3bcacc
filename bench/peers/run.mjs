// What other libraries do in a few situations, beside us: prints tables in Markdown, for the README,
// and writes build/bench/peers.json. See --help.
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { freemem, loadavg, release } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median } from '../table.mjs';
import { folder, install, runtimeOf, versionOf } from './install.mjs';

const HELP = `bench/peers/run.mjs [--only NAME,…] [--imports N]
  --only NAME,…  of forkexec, child_process, execa, nano-spawn, tinyexec, zx, bun, deno
  --imports N    how often each package is imported (7)
Installs the others into build/peers at first.`;

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    imports: { type: 'string', default: '7' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  console.log(HELP);
  process.exit();
}

const root = fileURLToPath(new URL('../../', import.meta.url));
const env = { ...process.env, FORKEXEC_INDEX: join(root, 'lib', 'index.js') };
const launcher = join(root, 'bin', 'forkexec.js');
/** Megabytes that a parent uses for P3 and P14, and what has to be free besides. */
const LARGE = 2048;
const MEDIUM = 700;
const SPARE = 700;
const LINGER_MS = 400;

/** Runs a probe and gives its line of JSON; `words` come before the `runtime`. */
async function probe(name, what, argument, { words = [], runtime = runtimeOf(name) } = {}) {
  if (runtime === undefined) return { failed: 'not installed' };
  const [file, ...args] = [...words, ...runtime, join(folder, 'probe.mjs'), name, what];
  const child = spawn(file, [...args, ...(argument === undefined ? [] : [argument])], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const limit = setTimeout(() => child.kill('SIGKILL'), 60_000);
  let output = '';
  for await (const chunk of child.stdout.setEncoding('utf8')) {
    output += chunk;
    if (what === 'linger' && output.includes('\n')) {
      child.kill('SIGKILL');
      break;
    }
  }
  clearTimeout(limit);
  return output === '' ? { failed: 'no answer' } : JSON.parse(output.split('\n')[0]);
}

/** The processes that have this word among their arguments. */
function having(word) {
  const pids = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
  return pids.map(Number).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(word);
    } catch {
      return false; // ended meanwhile
    }
  });
}

async function fateOfChild(name) {
  const seconds = `1000.${process.pid}${Math.floor(Math.random() * 1e6)}`; // nobody else's
  const { failed } = await probe(name, 'linger', seconds);
  if (failed) return { failed };
  await sleep(LINGER_MS);
  const left = having(seconds);
  for (const pid of left) process.kill(pid, 'SIGKILL');
  return { alive: left.length > 0 };
}

/** The soft limit that a child has whose parent was started with 1024. */
async function limitOfChild(name, runtime) {
  const words = ['sh', '-c', 'ulimit -Sn 1024 && exec "$0" "$@"'];
  const how = runtime === undefined ? { words } : { words, runtime };
  const { stdout, error, failed } = await probe(name, 'settle', '["ulimit -Sn"]', how);
  return { limit: stdout, failed: failed ?? error };
}

async function importTime(name) {
  const times = [];
  for (let round = 0; round < Number(options.imports); round++) {
    const { ms, failed } = await probe(name, 'import');
    if (failed) return { failed };
    times.push(ms);
  }
  return { ms: median(times) };
}

async function withMemory(megabytes, measure) {
  const free = Math.round(freemem() / 2 ** 20);
  if (free < megabytes + SPARE) return { failed: `only ${free} MB of memory are free` };
  return measure();
}

async function measure(name) {
  const hanging = 'sleep 3 & echo hi; exec sleep 3';
  return {
    orphan: await fateOfChild(name),
    held: await probe(name, 'settle', JSON.stringify(['sleep 3 & echo hi'])),
    timed: await probe(name, 'settle', JSON.stringify([hanging, 500])),
    holdSmall: await probe(name, 'hold', '0'),
    holdLarge: await withMemory(LARGE, () => probe(name, 'hold', String(LARGE))),
    cycle: await probe(name, 'cycle'),
    capture: await probe(name, 'capture'),
    nofile: await limitOfChild(name),
    launched: name === 'forkexec' ? await limitOfChild(name, [launcher, 'node']) : undefined,
    maxRss: await withMemory(MEDIUM, () => probe(name, 'maxRss', String(MEDIUM))),
    import: ['child_process', 'bun', 'deno'].includes(name)
      ? { builtIn: true }
      : await importTime(name),
  };
}

/** A cell: what `show` makes of a result that did not fail. */
const cell = (result, show) => (result.failed ? `(${result.failed})` : show(result));
const milliseconds = ({ ms }) => `${ms < 10 ? ms.toFixed(ms < 2 ? 2 : 1) : ms.toFixed(0)} ms`;
const seconds = ({ ms }) => `${(ms / 1000).toFixed(1)} s`;

function memory({ told, bytes }) {
  if (!told) return '–';
  return bytes === null ? 'not known' : `${Math.round(bytes / 2 ** 20)} MB`;
}

function openFiles({ nofile, launched }) {
  const plain = cell(nofile, ({ limit }) => limit);
  if (launched === undefined) return plain;
  return `${plain}; ${cell(launched, ({ limit }) => limit)} under \`forkexec node\``;
}

const COLUMNS = [
  [
    'child after `kill -9` of its parent',
    ({ orphan }) => cell(orphan, ({ alive }) => (alive ? 'runs on' : 'gone')),
  ],
  ['`sh -c "sleep 3 & echo hi"` settles after', ({ held }) => cell(held, seconds)],
  ['`timeout: 500` with a held pipe', ({ timed }) => cell(timed, seconds)],
  ['event loop held by a launch', ({ holdSmall }) => cell(holdSmall, milliseconds)],
  ['with 2 GB in use', ({ holdLarge }) => cell(holdLarge, milliseconds)],
  ['`true`, one after another', ({ cycle }) => cell(cycle, milliseconds)],
  ['64 MiB of output collected', ({ capture }) => cell(capture, milliseconds)],
  ['soft NOFILE of the child, parent had 1024', openFiles],
  ['memory of `true` from a 700 MB parent', ({ maxRss }) => cell(maxRss, memory)],
  ['import', (all) => (all.import.builtIn ? 'built in' : cell(all.import, milliseconds))],
];

function markdown(results) {
  const names = results.map(({ label }) => label);
  const lines = [`| | ${names.join(' | ')} |`, `|---|${names.map(() => '---|').join('')}`];
  for (const [title, show] of COLUMNS) {
    lines.push(`| ${title} | ${results.map(({ measured }) => show(measured)).join(' | ')} |`);
  }
  return lines.join('\n');
}

install();
const wanted = options.only?.split(',');
const list = ['forkexec', 'child_process', 'execa', 'nano-spawn', 'tinyexec', 'zx', 'bun', 'deno'];
const results = [];
const loadBefore = loadavg()[0];
for (const name of list) {
  if (wanted !== undefined && !wanted.includes(name)) continue;
  if (process.stderr.isTTY) process.stderr.write(`\r${name.padEnd(20)}`);
  const first = await probe(name, 'import');
  if (first.failed) {
    console.log(`${name} is left out: ${first.failed}`);
    continue;
  }
  const own =
    name === 'forkexec' ? JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) : {};
  const version = own.version ?? versionOf(name) ?? process.versions.node;
  const title = name === 'child_process' ? 'child_process, Node' : name;
  results.push({ name, label: `${title} ${version}`, measured: await measure(name) });
}
if (process.stderr.isTTY) process.stderr.write('\r');
const about = { node: process.version, kernel: release(), loadBefore, loadAfter: loadavg()[0] };
console.log(
  `Node ${about.node}, Linux ${about.kernel}, load ${about.loadBefore.toFixed(1)} to ${about.loadAfter.toFixed(1)}\n`,
);
console.log(markdown(results));
const file = join(root, 'build', 'bench', 'peers.json');
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, `${JSON.stringify({ ...about, results }, null, 2)}\n`);
console.log('\nAll figures: build/bench/peers.json');
