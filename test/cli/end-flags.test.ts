// How `forkexec run` ends a program and what the program has started, and the flags that say how.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RunOptions, runSync } from '#dist/index.js';
import { getsid } from '#dist/syscall.js';
import { needsLinux, needsOption } from '../helpers/backend.js';
import { bin, cli, run, stateWith } from '../helpers/cli.js';
import { childrenOf, nameOf, runs } from '../helpers/other.js';
import { KEYS, Screen } from '../helpers/screen.js';
import { type Program, start, until } from '../helpers/signals.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';
import { knownUsage } from '../helpers/usage.js';

const trees = (): void => needsLinux('the scope tree');

/** A program that starts two others and prints their numbers. */
const PARENT = 'sleep 71 & echo $!; sleep 71';
/** As before, but the one in the background ignores what ends the program. */
const DEAF = `sh -c 'trap "" TERM INT; exec sleep 71' & echo $!; sleep 71`;

function numbersIn(text: string): number[] {
  const numbers = (text.match(/^\d+$/gm) ?? []).map(Number);
  assert.notEqual(numbers.length, 0, text);
  return numbers;
}

test('after a timeout nothing that the program started is left', () => {
  trees();
  for (const words of [[], ['--clear-env', '--env', `PATH=${process.env['PATH']}`]]) {
    const { code, stdout } = run(...words, '--timeout', '300ms', '--', 'sh', '-c', PARENT);
    assert.equal(code, 124);
    for (const pid of numbersIn(stdout)) assert.ok(!runs(pid), `${pid} runs`);
  }
});

test('after a timeout forkexec waits until descendants that ignore SIGTERM are killed', () => {
  trees();
  const words = ['--timeout', '500ms', '--kill-after', '300ms'];
  const { code, stdout } = run(...words, '--', 'sh', '-c', DEAF);
  assert.equal(code, 124);
  for (const pid of numbersIn(stdout)) assert.ok(!runs(pid), `${pid} runs`);
});

test('--stop-scope process leaves what the program started', () => {
  const words = ['--timeout', '300ms', '--stop-scope', 'process', '--stdout', 'null'];
  const { code, stderr } = run(...words, '--', 'sh', '-c', 'sleep 71 >&- 2>&- & echo $! >&2; wait');
  assert.equal(code, 124);
  const [pid = 0] = numbersIn(stderr);
  assert.ok(runs(pid));
  process.kill(pid, 'SIGKILL');
});

test('^C on a terminal leaves nothing that the program started', async () => {
  trees();
  using screen = new Screen();
  // A shell has its jobs in the background ignore SIGINT.
  const child = await screen.spawn(bin, ['run', '--', 'sh', '-c', PARENT]);
  const [pid = 0] = numbersIn((await screen.until(/^\d+\n/m))[0].trim());
  // dash keeps a ^C between two commands until the second has ended.
  const grandchildren = (): number[] => childrenOf(child.pid).flatMap(childrenOf);
  await until(() => grandchildren().filter((each) => nameOf(each) === 'sleep').length === 2);
  screen.type(KEYS.interrupt);
  assert.equal((await child.exited).signal, 'SIGINT');
  assert.ok(!runs(pid), `${pid} runs`);
});

test('a second ^C kills what does not end', async () => {
  trees();
  using screen = new Screen();
  const patient = ['--timeout', '1h', '--kill-after', '1h'];
  const child = await screen.spawn(bin, ['run', ...patient, '--', 'sh', '-c', DEAF]);
  const [pid = 0] = numbersIn((await screen.until(/^\d+\n/m))[0].trim());
  screen.type(KEYS.interrupt);
  while (runs(child.pid)) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    screen.type(KEYS.interrupt);
  }
  assert.equal((await child.exited).signal, 'SIGINT');
  assert.ok(!runs(pid), `${pid} runs`);
});

test('a program that handles ^C and ends later leaves what it started', async () => {
  trees();
  using screen = new Screen();
  // The end of the session's leader hangs up.
  const worker = `sh -c 'trap "" HUP; exec sleep 71' & echo $!`;
  // A shell looks for its traps between commands: one that comes before a long one would wait for it.
  const script = `trap 'echo handled; exit 0' INT; ${worker}; while :; do sleep 0.05; done`;
  const child = await screen.spawn(bin, ['run', '--', 'sh', '-c', script]);
  const [pid = 0] = numbersIn((await screen.until(/^\d+\n/m))[0].trim());
  screen.type(KEYS.interrupt);
  assert.equal((await child.exited).code, 0);
  assert.ok(runs(pid), `${pid} has ended`);
  process.kill(pid, 'SIGKILL');
});

test('SIGTERM to forkexec leaves nothing that the program started', async () => {
  trees();
  await using program = await start(bin, ['run', '--', 'sh', '-c', PARENT]);
  const pid = Number(await program.line());
  program.child.kill('SIGTERM');
  assert.equal((await program.child.exited).signal, 'SIGTERM');
  assert.ok(!runs(pid), `${pid} runs`);
});

test('--stop-signal is the first signal that the program gets', () => {
  const script = 'trap "echo asked; exit 0" INT; while :; do sleep 0.05; done';
  const words = ['--timeout', '300ms', '--stop-signal', 'int'];
  assert.deepEqual(run(...words, '--', 'sh', '-c', script), {
    code: 124,
    stdout: 'asked\n',
    stderr: '',
  });
});

test('--stop-step sends one signal after the other, each with its time', () => {
  const script = `trap 'echo int' INT; trap 'echo usr' USR1; while :; do sleep 0.05; done`;
  const steps = ['INT:300ms', 'USR1:300ms', 'KILL'].flatMap((step) => ['--stop-step', step]);
  const words = ['--timeout', '300ms', ...steps, '--usage=json'];
  const { code, stdout, stderr } = run(...words, '--', 'sh', '-c', script);
  assert.deepEqual([code, stdout], [124, 'int\nusr\n']);
  const { signal, usage } = JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '');
  assert.equal(signal, 'SIGKILL');
  assert.ok(usage.wallTime >= 900_000, `${usage.wallTime} µs`);
});

async function lineOf(program: Program): Promise<number> {
  return Number((await program.line()) ?? '');
}

test('--lifetime parent ends the descendants when the program has ended', async () => {
  needsOption('parentDeathSignal');
  trees();
  const script = 'sleep 71 >&- 2>&- & echo $!; exit 3';
  await using program = await start(bin, ['run', '--lifetime', 'parent', '--', 'sh', '-c', script]);
  const pid = await lineOf(program);
  assert.equal((await program.child.exited).code, 3);
  await until(() => !runs(pid), `${pid} runs`);
});

test('--lifetime parent ends the program when forkexec is killed', async () => {
  needsOption('parentDeathSignal');
  const words = ['run', '--lifetime', 'parent', '--', 'sh', '-c', 'echo $$; exec sleep 71'];
  await using program = await start(bin, words);
  const pid = await lineOf(program);
  program.child.kill('SIGKILL');
  await program.child.exited;
  await until(() => !runs(pid), `${pid} runs`);
});

test('--detached starts a program in a session of its own and does not wait', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'status');
    const words = ['run', '--detached', '--status-fd', '3', '--', 'sleep', '71'];
    const fds: RunOptions['fds'] = { 3: { file, access: 'write' } };
    const { status } = runSync(process.execPath, [bin, ...words], { fds, reject: false });
    assert.equal(status.code, 0);
    assert.ok(knownUsage(status).wallTime < 20e6);
    const { event, pid } = JSON.parse(readFileSync(file, 'utf8')) as { event: string; pid: number };
    assert.equal(event, 'started');
    assert.equal(getsid(pid), pid);
    process.kill(pid, 'SIGKILL');
    assert.equal(run('--detached', '--', '/no/such').code, 127);
  }));

test('--verbose prints one line when the program runs and one when it ended', () => {
  const { code, stdout, stderr } = run('--verbose', '--', 'sh', '-c', 'echo out; exit 3');
  assert.deepEqual([code, stdout], [3, 'out\n']);
  assert.match(
    stderr,
    /^forkexec #1: pid \d+: sh -c 'echo out; exit 3' .*\nforkexec #1: exit status 3 after .*\n$/,
  );
});

test('the environment of --clear-env has what --env names and nothing else', async () => {
  const { env } = await stateWith(['--clear-env', '--env', 'A=1', '--timeout', '1h']);
  assert.deepEqual(env, ['A=1']);
});

test('flags that have no meaning together give 125 and one line', () => {
  const table: [words: string[], message: RegExp][] = [
    [['--detached', '--timeout', '1s'], /^forkexec: --detached cannot be combined with --timeout /],
    [['--detached', '--usage'], /^forkexec: --detached cannot be combined with --usage/],
    [['--detached', '--lifetime', 'parent'], /^forkexec: --detached cannot be combined with/],
    [['--stop-signal', 'INT'], /^forkexec: --stop-signal needs a --timeout/],
    [['--stop-step', 'INT'], /^forkexec: --stop-step needs a --timeout/],
    [
      ['--timeout', '1', '--stop-step', 'INT', '--kill-after', '1'],
      /^forkexec: --stop-step cannot/,
    ],
    [['--timeout', '1', '--stop-step', 'NO:1s'], /^forkexec: --stop-step NO:1s must be a signal/],
    [['--timeout', '1', '--stop-step', 'INT:x'], /^forkexec: --stop-step INT:x must be a duration/],
    [['--timeout', '1', '--stop-signal', 'NO'], /^forkexec: --stop-signal NO must be a signal/],
    [['--stop-scope', 'all'], /^forkexec: --stop-scope all must be one of process, group/],
    [['--lifetime', 'mine'], /^forkexec: --lifetime mine must be 'parent'/],
  ];
  for (const [words, message] of table) {
    const { code, stdout, stderr } = cli(['run', ...words, '--', 'echo', 'started']);
    assert.deepEqual({ code, stdout }, { code: 125, stdout: '' }, words.join(' '));
    assert.match(stderr, message);
    assert.equal(stderr.indexOf('\n'), stderr.length - 1, 'one line');
  }
});
