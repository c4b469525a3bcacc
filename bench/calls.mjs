// Small things: how long a raw system call takes, and an import of the library.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { rawSyscall, SYS } from '../lib/syscall.js';
import { median, table } from './table.mjs';

const HELP = `bench/calls.mjs [--rounds N]
  --rounds N   how often each figure is taken; the table has the medians (9)`;

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  console.log(HELP);
  process.exit();
}

const CALLS = 1_000_000;

/** Nanoseconds of a call: by the clock, and of processor time, which a busy machine does not stretch. */
function measureCalls() {
  const used = process.cpuUsage();
  const began = process.hrtime.bigint();
  for (let index = 0; index < CALLS; index++) rawSyscall(SYS.getpid);
  const wall = Number(process.hrtime.bigint() - began) / CALLS;
  const { user, system } = process.cpuUsage(used);
  return [wall, ((user + system) * 1000) / CALLS];
}

/** Milliseconds of the first import of an entry point in a new process. */
function measureImport(entry) {
  const code = `const began = performance.now();
    await import(${JSON.stringify(new URL(`../lib/${entry}`, import.meta.url))});
    console.log(performance.now() - began);`;
  const words = ['--input-type=module', '--eval', code];
  return Number(spawnSync(process.execPath, words, { encoding: 'utf8' }).stdout);
}

const ENTRIES = ['index.js', 'process.js', 'signal.js', 'syscall.js'];
const calls = [];
const imports = ENTRIES.map(() => []);
// In turns: whatever else the machine does then meets all alike.
for (let round = 0; round < Number(options.rounds); round++) {
  calls.push(measureCalls());
  for (const [index, entry] of ENTRIES.entries()) imports[index].push(measureImport(entry));
}
const of = (values, unit) => `${median(values).toFixed(unit === 'ms' ? 1 : 0)} ${unit}`;
const rows = [
  [
    'rawSyscall(SYS.getpid)',
    of(
      calls.map(([wall]) => wall),
      'ns',
    ),
  ],
  [
    'the same, processor time',
    of(
      calls.map(([, cpu]) => cpu),
      'ns',
    ),
  ],
  ...ENTRIES.map((entry, index) => [`import of ${entry}`, of(imports[index], 'ms')]),
];
console.log(table(rows, 1).join('\n'));
