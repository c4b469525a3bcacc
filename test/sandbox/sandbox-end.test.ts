// How a program in a sandbox ends, and what is left of it, in the strengths that the
// situations name; the numbers are those of the list that they come from.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { groupPlace } from '#dist/command/sandbox-group.js';
import { run, runSync } from '#dist/index.js';
import { patience } from '../helpers/patience.js';
import {
  API,
  inSandbox,
  lackOfProgram,
  noMounts,
  once,
  PROGRAMS,
  test,
} from '../helpers/sandbox.js';

/** The processes of this system with this word on their command line. */
function withWord(word: string): number[] {
  const { readdirSync } = process.getBuiltinModule('node:fs');
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(word) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

async function nobodyLeft(word: string): Promise<void> {
  const deadline = Date.now() + patience(10_000);
  while (withWord(word).length > 0) {
    assert.ok(Date.now() < deadline, `${withWord(word)} are left`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Seconds that no other process sleeps. */
const seconds = (index: number): string => `${30 + index}.${process.pid}`;

test('when the time is over nothing of it is left (case 42)', async (strength) => {
  const time = seconds(strength === 'kernel' ? 1 : 2);
  const sandbox = { read: PROGRAMS, write: ['/dev/null'], time: '300ms', strength };
  const script = `setsid sleep ${time} & (sleep ${time} &) ; sleep ${time}`;
  const options = { sandbox, reject: false, stop: { grace: 200 } };
  const { status } = await run('/bin/sh', ['-c', script], options);
  assert.equal(status.reason, 'timeout');
  await nobodyLeft(time);
});

test('what a program leaves behind ends with it (case 43)', async (strength) => {
  const time = seconds(strength === 'kernel' ? 3 : 4);
  const sandbox = { read: PROGRAMS, write: ['/dev/null'], strength };
  const { status } = await run('/bin/sh', ['-c', `setsid sleep ${time} >/dev/null & exit 0`], {
    sandbox,
  });
  assert.equal(status.code, 0);
  await nobodyLeft(time);
});

test('what a program leaves behind ends with it, also with runSync', async (strength, d) => {
  const time = seconds(strength === 'kernel' ? 7 : 8);
  const sandbox = { read: PROGRAMS, write: [d, '/dev/null'], strength };
  const script = `setsid sleep ${time} >/dev/null 2>&1 & echo x >${d}/f; cat ${d}/f; echo x >/etc/x`;
  const { status, stdout, stderr } = runSync('/bin/sh', ['-c', script], { sandbox, reject: false });
  assert.deepEqual([status.code === 0, stdout, existsSync('/etc/x')], [false, 'x', false]);
  assert.match(stderr, /\/etc\/x/);
  await nobodyLeft(time);
});

test('runSync ends all of a sandbox when the time is over', async (strength) => {
  const time = seconds(strength === 'kernel' ? 9 : 10);
  const sandbox = { read: PROGRAMS, write: ['/dev/null'], time: '300ms', strength };
  const script = `setsid sleep ${time} & sleep ${time}`;
  const options = { sandbox, reject: false, stop: { grace: 200 } };
  const { status } = runSync('/bin/sh', ['-c', script], options);
  assert.equal(status.reason, 'timeout');
  await nobodyLeft(time);
});

test('what a program leaves behind ends with it, whatever its stop reaches', async (strength) => {
  const time = seconds(strength === 'kernel' ? 5 : 6);
  const sandbox = { read: PROGRAMS, write: ['/dev/null'], strength };
  const script = `setsid sleep ${time} >/dev/null 2>&1 & exit 0`;
  const { status } = await run('/bin/sh', ['-c', script], { sandbox, stop: { scope: 'process' } });
  assert.equal(status.code, 0);
  await nobodyLeft(time);
});

/** Leaves a process that is in another session and has nothing in its environment, and says when it is there. */
const leaving = (d: string, time: string): string =>
  `env -i setsid /bin/sh -c 'echo x >${d}/there; exec sleep ${time}' >/dev/null 2>&1 &
i=0; while ! test -s ${d}/there && test $i -lt 3000; do i=$((i + 1)); sleep 0.01; done; test -s ${d}/there`;

test('a process without the session and environment of its sandbox outlives it, unless a control group has it', async (strength, d) => {
  const sandbox = { read: PROGRAMS, write: [d, '/dev/null'], strength };
  const time = seconds(strength === 'kernel' ? 9 : 10);
  await run('/bin/sh', ['-c', leaving(d, time)], { sandbox });
  const [left, ...others] = withWord(time);
  assert.ok(left !== undefined && others.length === 0, `${left} and ${others}`);
  process.kill(left, 'SIGKILL'); // no other process has this word on its command line
  await nobodyLeft(time);
  if (typeof groupPlace('pids') === 'string') return;
  unlinkSync(join(d, 'there'));
  await run('/bin/sh', ['-c', leaving(d, time)], { sandbox: { ...sandbox, processes: 30 } });
  await nobodyLeft(time);
});

once(
  'no process outlives bubblewrap with a pid namespace, as the table of the documentation says',
  async (d) => {
    const row = readFileSync('docs/sandbox.md', 'utf8')
      .split('\n')
      .find((line) => line.startsWith('| outlive the sandbox,'));
    assert.deepEqual(
      row
        ?.split('|')
        .slice(2, 5)
        .map((cell) => cell.trim()),
      [...['open without a control group', 'open without a control group', 'stopped']],
    );
    const time = seconds(11);
    const words = ['--dev-bind', '/', '/', '--unshare-pid', '--die-with-parent', '/bin/sh', '-c'];
    await run('bwrap', [...words, leaving(d, time)]);
    await nobodyLeft(time);
  },
  noMounts || lackOfProgram('bwrap'),
);

once(
  'orphans of a sandbox are no zombies, inside or outside (case 44)',
  async () => {
    const sandbox = {
      read: [...PROGRAMS, '/proc'],
      write: ['/dev/null'],
      strength: 'namespaces',
    } as const;
    const script = `for i in 1 2 3; do (sh -c 'exit 0' &) ; done; sleep 0.2
for s in /proc/[0-9]*/stat; do read -r line <$s && case "$line" in *" Z $$ "*) echo zombie ;; esac; done 2>/dev/null; echo end`;
    assert.equal(await inSandbox(script, sandbox), 'end');
  },
  noMounts,
);

once('a program lives on when the thread that started it has ended (case 45)', async (d) => {
  const out = join(d, 'out');
  const script = `const { workerData } = require('node:worker_threads');
import(${API}).then(async ({ spawn }) => {
  const child = await spawn('/bin/sh', ['-c', 'read line; echo "$line" >out'], workerData);
  require('node:worker_threads').parentPort.postMessage(child.pid);
  child.unref();
});`;
  const pipe = join(d, 'pipe');
  await run('mkfifo', [pipe]);
  const sandbox = { read: PROGRAMS, write: [d, '/dev/null'], strength: 'kernel' };
  const options = { cwd: d, sandbox, stdin: { file: pipe, access: 'readwrite' } };
  const worker = new Worker(script, { eval: true, workerData: options });
  await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  await worker.terminate();
  writeFileSync(pipe, 'alive\n');
  const deadline = Date.now() + patience(10_000);
  while (!existsSync(out) || readFileSync(out, 'utf8') === '') {
    assert.ok(Date.now() < deadline, 'the program has ended with the thread');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.equal(readFileSync(out, 'utf8'), 'alive\n');
});

const PATTERN = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim();

test(
  'a crash leaves its memory in a directory that may be written (case 46)',
  async (strength, d) => {
    const rlimits = { core: 'unlimited' as const };
    const outcome = async (write: readonly string[], cwd: string): Promise<unknown[]> => {
      const sandbox = { read: PROGRAMS, write, strength };
      const options = { sandbox, reject: false, rlimits, cwd };
      const { status } = await run('/bin/sh', ['-c', 'kill -SEGV $$'], options);
      return [status.signal, status.coreDumped];
    };
    assert.deepEqual(await outcome([d], d), ['SIGSEGV', true]);
    assert.equal(readdirSync(d).length, 1);
    assert.deepEqual(await outcome([], '/usr'), ['SIGSEGV', false]);
  },
  PATTERN.startsWith('core') ? false : `the memory of a crash goes to ${PATTERN}`,
);

test('a crash is reported (case 46)', async (strength) => {
  const sandbox = { read: PROGRAMS, strength };
  const options = { sandbox, reject: false, rlimits: { core: 'unlimited' as const } };
  const { status } = await run('/bin/sh', ['-c', 'kill -SEGV $$'], options);
  assert.equal(status.signal, 'SIGSEGV');
  assert.equal(
    status.coreDumped && readFileSync('/proc/sys/kernel/core_pattern', 'utf8').startsWith('core'),
    false,
  );
});
