// Emulators of user mode make vfork a fork: nothing that the child writes is seen by its parent, and
// the parent goes on at once.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '#dist/index.js';
import { ProgramBuilder } from '#dist/launch/program.js';
import { START } from '#dist/protocol.js';
import { attempt } from '#dist/syscall/call.js';
import { E, SYS } from '#dist/syscall/constants.js';
import { needsLinux } from '../helpers/backend.js';
import { noPidfdOpen } from '../helpers/facilities.js';
import { patience } from '../helpers/patience.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const compiler = process.env['CC'] ?? 'cc';
const flags = ['-std=c11', '-g', '-O1', '-Wall', '-Wextra', '-Werror', '-pthread', '-Inative'];
const parts =
  'launch program report clock flight fork_lock help_linux start_linux restore_linux probe_linux';
const sources = `${parts} exec_linux above_stdio waiter_linux thread`
  .split(' ')
  .map((name) => `native/${name}.c`);

/** What runs a program of this runtime, where process.execPath is not a binary. */
const ownWords = process.env['FORKEXEC_TEST_RUNTIME'];
const ownRuntime: string[] = ownWords === undefined ? [process.execPath] : JSON.parse(ownWords);

const qemu = [`qemu-${process.arch === 'x64' ? 'x86_64' : 'aarch64'}`];
const valgrind = ['valgrind', '-q'];
const timeout = patience(60_000);

/** What runs a program, and whether vfork shares memory with the parent then. */
const runners = [
  { name: 'Linux itself', command: [], shares: 1 },
  { name: 'QEMU user mode', command: qemu, shares: 0 },
  { name: 'valgrind', command: valgrind, shares: 0 },
];

/** The lines that a program and its arguments print. */
async function runBy([file, ...args]: readonly string[]): Promise<string[]> {
  const { stdout } = await run(file as string, args, { timeout, lines: true });
  return stdout;
}

/** Why nothing can be run so, or false. */
function withoutRunner(command: readonly string[]): Promise<string | false> {
  return runBy([...command, '/bin/true']).then(
    () => false as const,
    (error: Error) => error.message,
  );
}

const step = { name: 'getpid' } as const;

function become(program: ProgramBuilder, script: string): void {
  const argv = program.strings(['sh', '-c', script]);
  program.candidate(step, SYS.execve, program.string('/bin/sh'), argv, program.strings([]));
}

/** Each program, and what the driver is to print of it. */
const programs: readonly [how: string, write: (program: ProgramBuilder) => void, line: string][] = [
  ['launch', (program) => become(program, 'exit 7'), '-1 0 skipped= exit 7'],
  ['launch', (program) => become(program, 'kill -9 $$'), '-1 0 skipped= signal 9'],
  [
    'launch',
    (program) => {
      program.must(step, SYS.getpid);
      program.must(step, SYS.chdir, program.string('/no/such'));
      become(program, 'exit 0');
    },
    `1 ${E.ENOENT} skipped= none`,
  ],
  [
    'launch',
    (program) => {
      program.degrade(1, step, SYS.close, -1);
      program.must(step, SYS.exit_group, 1);
      program.degrade(0, step, SYS.chdir, program.string('/no/such'));
      become(program, 'exit 3');
    },
    `-1 0 skipped=0:${E.EBADF},2:${E.ENOENT}, exit 3`,
  ],
  [
    // Wherever the parent waits, the child puts a descriptor of its own.
    'launch',
    (program) => {
      for (let fd = 3; fd < 40; fd++) program.must(step, SYS.dup3, 2, fd, 0);
      program.must(step, SYS.close, -1);
    },
    `37 ${E.EBADF} skipped= none`,
  ],
  [
    'launch',
    (program) => {
      program.must(step, SYS.fcntl, 2, 2, 0);
      become(
        program,
        'exec 2>/dev/null; for n in 3 4 5 6 7 8 9; do (true <&$n) && exit $n; done; exit 0',
      );
    },
    '-1 0 skipped= exit 0',
  ],
  ['exec', (program) => program.must(step, SYS.close, -1), `0 ${E.EBADF} skipped= none`],
  ['exec', (program) => become(program, 'echo in its place'), 'in its place'],
];

/** What exec in place begins with in an emulator, and Docker's filter refuses: unshare(2) of nothing. */
const noUnshare = attempt('unshare', 0);

/**
 * Without pidfds a second thread waits for the child. Valgrind 3.19 then goes on with all signals
 * blocked, its own SIGSEGV too, and dies as soon as the stack has to grow.
 */
const noThreads = noPidfdOpen && 'valgrind does not survive a second thread that waits';

const skips = await Promise.all(
  runners.map(
    async ({ command }) => (command === valgrind && noThreads) || (await withoutRunner(command)),
  ),
);

for (const [index, { name, command, shares }] of runners.entries()) {
  const skip = skips[index] as string | false;
  test(
    `launches are reported as they are on ${name}`,
    () =>
      withFolder(async (folder) => {
        needsLinux('vfork');
        const driver = join(folder, 'driver');
        const source = 'test/native/launch_driver.c';
        const child = ['-fno-stack-protector', '-fno-builtin'];
        await run(compiler, [...flags, ...child, source, ...sources, '-o', driver], { cwd: root });
        for (const [index, [how, write, line]] of programs.entries()) {
          const program = new ProgramBuilder();
          write(program);
          const file = join(folder, String(index));
          writeFileSync(file, program.finish());
          const stdout = await runBy([...command, driver, how, file]);
          const isReport = how === 'launch' || line.includes('skipped');
          let expected = isReport ? `shares=${shares} ${line}` : line;
          if (how === 'exec' && shares === 0 && noUnshare < 0)
            expected = `shares=0 ${START.clone} ${-noUnshare} skipped= none`;
          assert.deepEqual(stdout, how === 'launch' ? [expected, expected] : [expected]);
        }
      }),
    { skip },
  );
}

const SCRIPT = `
import { run, runSync, spawn } from '${root}dist/index.js';
const failed = async (start) => {
  try { await start(); return 'ran'; } catch ({ step, code }) { return [step, code].join(' '); }
};
console.log(await failed(() => run('/no/such')));
console.log(await failed(() => runSync('/no/such')));
console.log(await failed(() => run('true', [], { cwd: '/no/such' })));
const all = Array.from({ length: 8 }, (_, n) => run('sh', ['-c', 'read line; echo $line; exit $0', String(n)], { input: 'x' + n, reject: false }));
console.log((await Promise.all(all)).map(({ stdout, status }) => stdout + status.code).join(' '));
const child = await spawn('sleep', ['100']);
child.kill('SIGTERM');
console.log(String(await child.exited));
`;

test(
  'commands run in QEMU user mode as they do on Linux itself',
  () =>
    withFolder(async (folder) => {
      needsLinux('vfork');
      const file = join(folder, 'script.mjs');
      writeFileSync(file, SCRIPT);
      const stdout = await runBy([...ownRuntime, file]);
      assert.deepEqual(await runBy([...qemu, ...ownRuntime, file]), stdout);
      assert.deepEqual(stdout.slice(0, 4), [
        'execve ENOENT',
        'execve ENOENT',
        'chdir ENOENT',
        'x00 x11 x22 x33 x44 x55 x66 x77',
      ]);
    }),
  { skip: skips[1] as string | false },
);
