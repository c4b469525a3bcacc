// Jobs a second of `forkexec parallel` beside xargs and GNU parallel, on this machine and through an sshd of its
// own, and its memory over 100,000 jobs. Run `npm run bench:batch -- --help`.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { lackOf, withSshd } from '../build/test/helpers/engines.js';
import { spawn as spawnHere } from '../lib/index.js';

const { values } = parseArgs({
  options: {
    help: { type: 'boolean' },
    jobs: { type: 'string', default: '5000' },
    slow: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    many: { type: 'string', default: '100000' },
    only: { type: 'string', default: 'local,ssh,many' },
  },
});
if (values.help) {
  console.log(`--jobs N     runs of true in each round: 5000
--slow N     the same for GNU parallel on this machine: as --jobs; through ssh it runs a tenth
--rounds N   rounds, in each of which all take turns; the median counts: 3
--many N     jobs of the run whose memory is measured: 100000
--only A,B   of local, ssh, many`);
  process.exit();
}

const bin = fileURLToPath(new URL('../bin/forkexec.js', import.meta.url));
const slots = 4;
const own = [process.execPath, bin, 'parallel', '--jobs', String(slots)];
const theirs = ['parallel', '--will-cite', '-j', String(slots)];

/**
 * Runs a command whose stdin has a line for each job; resolves to jobs a second, and to milliseconds of processor
 * time for each job, its own included: what else the machine does changes these less.
 */
async function measure(argv, count, folder) {
  const input = join(folder, `items.${count}`);
  if (!existsSync(input)) {
    writeFileSync(input, Array.from({ length: count }, (_, n) => `${n + 1}\n`).join(''));
  }
  const before = performance.now();
  const child = await spawnHere(argv[0], argv.slice(1), {
    stdin: { file: input },
    stdout: 'null',
    cwd: folder,
  });
  const status = await child.exited;
  if (!status.ok) throw new Error(`${argv.join(' ')}: ${status}`);
  const { userTime, systemTime } = status.usage;
  return {
    rate: count / ((performance.now() - before) / 1000),
    processor: (userTime + systemTime) / 1000 / count,
  };
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** Each subject runs in turn, several times. */
async function compare(title, subjects, folder) {
  const rates = new Map(subjects.map(({ name }) => [name, []]));
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const { name, argv, count } of subjects) {
      rates.get(name).push(await measure(argv, count, folder));
    }
  }
  const medianOf = (name, what) => median(rates.get(name).map((round) => round[what]));
  const own = medianOf('forkexec parallel', 'rate');
  const head = 'jobs a second | forkexec is so many times as fast | processor time a job, ms';
  console.log(`\n| ${title} | jobs | ${head} |`);
  console.log('| --- | --- | --- | --- | --- |');
  for (const { name, count } of subjects) {
    const rate = medianOf(name, 'rate');
    const cells = [
      rate.toFixed(0),
      (own / rate).toFixed(2),
      medianOf(name, 'processor').toFixed(2),
    ];
    console.log(`| ${name} | ${count} | ${cells.join(' | ')} |`);
  }
}

/** Memory of a run of many jobs, after each tenth of them. */
async function many(count, folder) {
  const log = join(folder, 'joblog');
  const argv = [...own, '--joblog', log, '--keep-order', 'echo', '{}'];
  const before = performance.now();
  let isOver = false;
  const run = spawn('/bin/sh', ['-c', `seq ${count} | exec "$@" >out`, 'sh', ...argv], {
    stdio: ['ignore', 'inherit', 'inherit'],
    cwd: folder,
  });
  run.on('exit', (code) => {
    isOver = code ?? -1;
  });
  const children = () => {
    const path = `/proc/${run.pid}/task/${run.pid}/children`;
    return readFileSync(path, 'latin1').split(' ').filter(Boolean);
  };
  console.log(`\n| jobs of ${count} | seconds | memory of the coordinator |\n| --- | --- | --- |`);
  let wanted = count / 10;
  while (isOver === false) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    const lines = existsSync(log) ? readFileSync(log, 'latin1').split('\n').length - 2 : 0;
    if (lines < wanted || isOver !== false) continue;
    for (const pid of children()) {
      if (!readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(bin)) continue;
      const [, rss] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
      const seconds = ((performance.now() - before) / 1000).toFixed(0);
      console.log(`| ${lines} | ${seconds} | ${(rss / 1024).toFixed(0)} MiB |`);
    }
    wanted += count / 10;
  }
  const lines = readFileSync(join(folder, 'out'), 'latin1').split('\n').slice(0, -1);
  const isWhole = lines.length === count && lines.every((line, n) => line === String(n + 1));
  const seconds = ((performance.now() - before) / 1000).toFixed(0);
  console.log(
    `exit code ${isOver} after ${seconds} s; output ${isWhole ? 'whole and in order' : 'WRONG'}`,
  );
  if (isOver !== 0 || !isWhole) process.exitCode = 1;
}

const folder = mkdtempSync(join(tmpdir(), 'forkexec-bench-'));
const only = values.only.split(',');
const count = Number(values.jobs);
const slow = Number(values.slow ?? values.jobs);
const hasParallel = existsSync('/usr/bin/parallel');
if (!hasParallel) console.log('without GNU parallel: /usr/bin/parallel not found');
console.log(
  `Node ${process.version}, ${cpus().length} processors, load ${loadavg()[0].toFixed(1)}`,
);
try {
  if (only.includes('local')) {
    const subjects = [
      { name: 'xargs -P', argv: ['xargs', '-P', String(slots), '-n', '1', 'true'], count },
      { name: 'forkexec parallel', argv: [...own, 'true', '{}'], count },
      { name: 'GNU parallel', argv: [...theirs, 'true', '{}'], count: slow },
    ];
    await compare('on this machine', subjects.slice(0, hasParallel ? 3 : 2), folder);
  }
  if (only.includes('ssh') && lackOf('sshd') !== undefined) {
    console.log(`without ssh: ${lackOf('sshd')}`);
  } else if (only.includes('ssh')) {
    await withSshd(async (_, words) => {
      const agent = `--agent=${process.execPath} ${bin} agent`;
      const flags = words.flatMap((word) => ['--ssh-arg', word]);
      const engine = ['--engine', `ssh:127.0.0.1*${slots}`, agent, ...flags];
      const there = ['-S', `${slots}/127.0.0.1`, '--ssh', ['ssh', ...words].join(' ')];
      const subjects = [
        { name: 'forkexec parallel', argv: [...own, ...engine, 'true', '{}'], count },
        { name: 'GNU parallel -S', argv: [...theirs, ...there, 'true', '{}'], count: slow / 10 },
      ];
      await compare('through ssh', subjects.slice(0, hasParallel ? 2 : 1), folder);
    });
  }
  if (only.includes('many')) await many(Number(values.many), folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
