// `forkexec exec` and `forkexec node`: the program is the same process, and finds what was asked for.

import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RunOptions, run } from '#dist/index.js';
import { Screen } from '../helpers/screen.js';
import { bin, signalProgram, start } from '../helpers/signals.js';
import { helper, type State, withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

function exec(words: readonly string[], options: Pick<RunOptions, 'cwd' | 'env' | 'fds'> = {}) {
  return run(bin, ['exec', ...words], { ...options, reject: false });
}

/** What a program that was started with these flags says of itself. */
function stateWith(
  flags: readonly string[],
  options?: Pick<RunOptions, 'env' | 'fds'>,
): Promise<State> {
  return withFolder(async (folder) => {
    const file = join(folder, 'state.json');
    const { status, stderr } = await exec([...flags, '--', helper('state'), file], options);
    assert.deepEqual({ code: status.code, stderr }, { code: 0, stderr: '' });
    return JSON.parse(readFileSync(file, 'utf8')) as State;
  });
}

test('forkexec exec gives the program its own pid, parent and end', async () => {
  const words = ['exec', 'sh', '-c', 'echo $$ $PPID; kill -TERM $$'];
  await using program = await start(bin, words);
  assert.equal(await program.line(), `${program.child.pid} ${process.pid}`);
  assert.equal((await program.child.exited).signal, 'SIGTERM');
});

test('forkexec exec without flags gives the program what forkexec was started with', async () => {
  const env = { ...process.env, KEPT: 'yes' };
  const { fds, dispositions, status, env: found } = await stateWith([], { env });
  assert.deepEqual(Object.keys(fds), ['0', '1', '2']);
  assert.deepEqual(dispositions, {});
  assert.equal(BigInt(`0x${status['SigBlk']}`), 0n);
  assert.ok(found.includes('KEPT=yes'));
  assert.ok(!found.some((variable) => variable.startsWith('FORKEXEC_INHERITED=')));
});

/** What the program finds, for flags of several steps. */
const seenFromInside: Record<string, (folder: string) => Promise<void>> = {
  '--cwd, --env and --argv0': async (folder) => {
    const words = ['--cwd', folder, '--env', 'A=b=c', '--clear-env', '--argv0', 'other'];
    const { cwd, env, argv } = await stateWith(words);
    assert.deepEqual([cwd, env, argv[0]], [folder, ['A=b=c'], 'other']);
  },
  '--umask, --nice and --rlimit': async () => {
    const words = ['--umask', '027', '--nice', '5', '--rlimit', 'nofile=100:200'];
    const { umask, scheduler, rlimits } = await stateWith(words);
    assert.deepEqual([umask, scheduler.nice, rlimits[7]], [0o027, 5, [100, 200]]);
  },
  '--session': async () => {
    const { pid, pgid, sid } = await stateWith(['--session']);
    assert.deepEqual([pgid, sid], [pid, pid]);
  },
  '--ignore-signal and --block-signal': async () => {
    const words = ['--ignore-signal', 'HUP,PIPE', '--block-signal', 'USR1'];
    const { dispositions, status } = await stateWith(words);
    assert.deepEqual(dispositions, { 1: 1, 13: 1 });
    assert.equal(BigInt(`0x${status['SigBlk']}`), 1n << 9n);
  },
};

for (const [name, check] of Object.entries(seenFromInside)) {
  test(`forkexec exec: ${name} reaches the program`, () => withFolder(check));
}

test('forkexec exec: --stdin, --stdout, --stderr and --fd reach the program', () =>
  withFolder(async (folder) => {
    const [input, log, more] = ['input', 'log', 'more'].map((name) => join(folder, name));
    for (const file of [input, log, more]) writeFileSync(file as string, 'old\n');
    const streams = ['--stdin', `file:${input}`, '--stdout', `append:${log}`, '--stderr', 'stdout'];
    const fds = ['3=null', `5=read:${input}`, `9=write:${more}`, '7=3', '4=inherit'];
    const passed = openSync('/dev/zero', 'r');
    try {
      const state = await stateWith([...streams, ...fds.flatMap((fd) => ['--fd', fd])], {
        fds: { 3: passed, 4: passed },
      });
      const targets = Object.entries(state.fds).map(([fd, { target }]) => [fd, target]);
      assert.deepEqual(targets, [
        ['0', input],
        ['1', log],
        ['2', log],
        ['3', '/dev/null'],
        ['4', '/dev/zero'],
        ['5', input],
        ['7', '/dev/zero'],
        ['9', more],
      ]);
    } finally {
      closeSync(passed);
    }
    assert.equal(readFileSync(input as string, 'utf8'), 'old\n', 'what is read stays');
    assert.equal(readFileSync(log as string, 'utf8'), 'old\n', 'what is appended to stays');
    assert.equal(readFileSync(more as string, 'utf8'), '', 'what is written is emptied');
    const script = 'cat; echo out; echo err >&2';
    const { stdout, stderr } = await exec([...streams, '--', 'sh', '-c', script]);
    assert.deepEqual([stdout, stderr], ['', '']);
    assert.equal(readFileSync(log as string, 'utf8'), 'old\nold\nout\nerr\n');
  }));

test('forkexec exec has the exit codes and messages of forkexec run', () =>
  withFolder(async (folder) => {
    writeFileSync(join(folder, 'plain'), 'true\n');
    const table: [words: string[], code: number, message: RegExp][] = [
      [['sh', '-c', 'exit 3'], 3, /^$/],
      [['./plain'], 126, /^forkexec: execve\("\.\/plain"\): EACCES: /],
      [['no-such-program'], 127, /^forkexec: execve\("no-such-program"\): ENOENT: /],
      [['--cwd', '/no/such', 'true'], 125, /^forkexec: chdir\("\/no\/such"\): ENOENT: /],
      [['--umask', '9', 'true'], 125, /^forkexec: --umask 9 must be /],
      [['--stdin', 'file:/no/such', 'true'], 125, /^forkexec: --stdin \/no\/such: open: ENOENT: /],
      [['--timeout', '5s', 'true'], 125, /^forkexec: unknown option '--timeout'/],
      [[], 125, /^forkexec: missing required argument 'program'/],
    ];
    for (const [words, code, message] of table) {
      const { status, stderr } = await exec(words, { cwd: folder });
      assert.equal(status.code, code, words.join(' '));
      assert.match(stderr, message);
    }
  }));

test('forkexec exec on a terminal runs the program in the foreground', async () => {
  using screen = new Screen();
  const script = 'test -t 0 && test -t 1 && test -t 2 && echo "at $$"; exec cat';
  const child = await screen.spawn(bin, ['exec', 'sh', '-c', script]);
  await screen.until(new RegExp(`at ${child.pid}\n`));
  assert.equal(screen.foreground, child.pid);
  screen.type('a line\n');
  await screen.until(/a line\na line\n/);
  screen.type('\x03');
  assert.equal((await child.exited).signal, 'SIGINT');
});

test('forkexec node runs a program of Node with its options, input and exit code', async () => {
  const script = `process.stdin
    .on('data', (data) => console.log(process.argv[2] + ' ' + data))
    .on('end', () => process.exit(7))`;
  const words = ['node', '--no-warnings', '--eval', script, '--', 'x', 'y'];
  const { stdout, status } = await run(bin, words, { input: 'read', reject: false });
  assert.deepEqual([stdout, status.code], ['y read', 7]);
  await using program = await start(bin, ['node', '-e', 'console.log(process.pid)']);
  assert.equal(await program.line(), String(program.child.pid), 'the same process');
});

test('children of forkexec node do not get the record of the launcher', async () => {
  const { stdout } = await run(bin, ['node', signalProgram, 'environment']);
  assert.doesNotMatch(stdout, /^FORKEXEC_INHERITED/m);
  const script = 'console.log(require("child_process").execSync("env").toString())';
  assert.doesNotMatch((await run(bin, ['node', '-e', script])).stdout, /^FORKEXEC_INHERITED/m);
});

test('the launcher without Node in PATH reports that and exits with 127', async () => {
  for (const command of [
    ['run', 'true'],
    ['node', '-v'],
  ]) {
    const { status, stderr } = await run(bin, command, {
      env: { PATH: '/no/such' },
      clearEnv: true,
      reject: false,
    });
    assert.equal(status.code, 127);
    assert.match(stderr, /node: not found/);
  }
});
