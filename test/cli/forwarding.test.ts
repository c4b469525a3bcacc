// Signals of `forkexec run`: who gets them, on a terminal and elsewhere, and how it stops and ends.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Child } from '#dist/index.js';
import { isAvailable } from '#dist/launch/available.js';
import { SIG } from '#dist/syscall/constants.js';
import { needsOption } from '../helpers/backend.js';
import { childrenOf, nameOf } from '../helpers/other.js';
import { KEYS, Screen } from '../helpers/screen.js';
import { aMoment, bin, type Program, start, until } from '../helpers/signals.js';
import { helper } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const SI_USER = 0;
const SI_KERNEL = 0x80;

const FORWARDED = [
  ...(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const),
  ...(['SIGWINCH', 'SIGCONT', 'SIGTSTP'] as const),
];

/** Tells of each of these signals that it gets, and from whom. */
const listener = [helper('signals'), 'listen', ...FORWARDED.map((name) => String(SIG[name]))];

/** It goes with forkexec, since it waits for all that could end it. */
function listen(...flags: string[]): string[] {
  const guard = isAvailable('parentDeathSignal') ? ['--parent-death-signal', 'KILL'] : [];
  return ['run', ...guard, ...flags, '--', ...listener];
}

async function begin(program: Program): Promise<void> {
  assert.match((await program.line()) ?? '', /^ready \d+$/);
}

/** The state of a process, `T` when it is stopped, and its process group. */
function look(pid: number): { state: string; group: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const [state = '', , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state, group: Number(group) };
}

/** The children that run sleep: before its first launch forkexec has another child, for a moment. */
function sleepersOf(pid: number): number[] {
  return childrenOf(pid).filter((child) => nameOf(child) === 'sleep');
}

function isStopped(...pids: number[]): boolean {
  return pids.every((pid) => look(pid).state === 'T');
}

test('each of nine signals is forwarded once, with forkexec as the sender', async () => {
  needsOption('parentDeathSignal');
  await using program = await start(bin, listen(), { processGroup: 0 });
  await begin(program);
  const { pid } = program.child;
  for (const name of FORWARDED) {
    program.child.kill(name);
    assert.equal(await program.line(), `${SIG[name]} ${SI_USER} ${pid}`, name);
  }
  // Had one come twice, it would be there by now.
  program.child.kill('SIGUSR1');
  assert.equal(await program.line(), `${SIG.SIGUSR1} ${SI_USER} ${pid}`);
});

test('signals that arrive during the launch are forwarded to the program', async () => {
  needsOption('parentDeathSignal');
  for (let round = 0; round < 5; round++) {
    const words = listen('--block-signal', 'USR2');
    await using program = await start(bin, words, { processGroup: 0 });
    // Nobody but forkexec catches this one: from then on it holds them.
    const { pid } = program.child;
    await until(() => {
      const status = readFileSync(`/proc/${pid}/status`, 'latin1');
      return (BigInt(`0x${/^SigCgt:\s+(\w+)/m.exec(status)?.[1]}`) & (1n << 11n)) !== 0n;
    }, 'SIGUSR2 is caught');
    program.child.kill('SIGUSR2');
    await begin(program);
    assert.equal(await program.line(), `${SIG.SIGUSR2} ${SI_USER} ${pid}`);
  }
});

test('a signal of the terminal and a signal to forkexec each arrive once', async () => {
  using screen = new Screen();
  const child = await screen.spawn(bin, listen());
  await screen.until(/ready \d+\n/);
  const keys = [
    [() => screen.type(KEYS.interrupt), SIG.SIGINT],
    [() => screen.type(KEYS.quit), SIG.SIGQUIT],
    [() => screen.resize(100, 30), SIG.SIGWINCH],
  ] as const;
  let wanted = '';
  for (const [press, number] of keys) {
    press();
    wanted += `${number} ${SI_KERNEL} 0\n`;
    await until(() => said(screen).includes(wanted));
    await aMoment(); // in which another would come
    assert.equal(said(screen), wanted);
  }
  for (const name of ['SIGINT', 'SIGQUIT', 'SIGWINCH', 'SIGHUP'] as const) {
    child.kill(name);
    wanted += `${SIG[name]} ${SI_USER} ${child.pid}\n`;
    await until(() => said(screen).includes(wanted));
  }
  assert.equal(said(screen), wanted);
  child.kill('SIGTERM');
  await until(() => said(screen).endsWith(`${SIG.SIGTERM} ${SI_USER} ${child.pid}\n`));
  await end(screen, child);
});

/** The signals that the listener told of; what keys echo is left out. */
function said(screen: Screen): string {
  return [...screen.text.matchAll(/^\D*(\d+ \d+ \d+)$/gm)].map(([, line]) => `${line}\n`).join('');
}

/** Ends a listener by the one signal that it can't wait for. */
async function end(screen: Screen, child: Child): Promise<void> {
  process.kill(Number(/ready (\d+)/.exec(screen.text)?.[1]), 'SIGKILL');
  assert.equal((await child.exited).signal, 'SIGKILL');
}

for (const flags of [['--process-group', '0'], ['--session']]) {
  test(`a program in another group gets the signals of the terminal: ${flags[0]}`, async () => {
    using screen = new Screen();
    const child = await screen.spawn(bin, listen(...flags));
    await screen.until(/ready \d+\n/);
    const lines = [SIG.SIGINT, SIG.SIGWINCH].map((number) => `${number} ${SI_USER} ${child.pid}\n`);
    // One after the other: what is typed takes its time in the kernel.
    screen.type(KEYS.interrupt);
    await until(() => said(screen) === lines[0]);
    screen.resize(90, 20);
    await until(() => said(screen) === lines.join(''));
    await end(screen, child);
  });
}

test('a hangup is forwarded by the leader of the session', async () => {
  const screen = new Screen();
  const script = 'trap "echo hangup >&3; exit 3" HUP; echo ready; while :; do sleep 0.02; done';
  const words = ['run', '--fd', '3=3', '--', 'sh', '-c', script];
  const child = await screen.spawn(bin, words, { fds: { 3: 'pipe' } });
  await screen.until(/ready/);
  const told = child.fds.get(3) as AsyncIterable<Buffer>;
  screen.hangUp();
  let text = '';
  for await (const chunk of told) text += chunk;
  assert.equal(text, 'hangup\n');
  assert.equal((await child.exited).code, 3);
});

test('forkexec stops and continues with the program, without a terminal', async () => {
  await using program = await start(bin, ['run', 'sleep', '60'], { processGroup: 0 });
  const { pid } = program.child;
  await until(() => sleepersOf(pid).length === 1, 'sleep runs');
  const sleeper = sleepersOf(pid)[0] as number;
  for (let round = 0; round < 3; round++) {
    program.child.kill('SIGTSTP');
    await until(() => isStopped(pid, sleeper), 'both are stopped');
    program.child.kill('SIGCONT');
    await until(() => !isStopped(pid) && !isStopped(sleeper), 'both go on');
  }
  // Stopped by hand it is its own business.
  process.kill(sleeper, 'SIGSTOP');
  await until(() => isStopped(sleeper));
  await aMoment();
  assert.equal(isStopped(pid), false);
  program.child.kill('SIGTERM');
  program.child.kill('SIGCONT');
  assert.equal((await program.child.exited).signal, 'SIGTERM');
});

test('forkexec kills itself with the signal of the program, so that a shell ends its list', async () => {
  using screen = new Screen();
  const line = `'${bin}' run -- sleep 60; echo after`;
  const child = await screen.spawn('bash', ['-c', line]);
  await until(() => childrenOf(child.pid).flatMap(sleepersOf).length === 1, 'sleep runs');
  screen.type(KEYS.interrupt);
  assert.equal((await child.exited).signal, 'SIGINT', 'bash ends only if its child did so');
  assert.doesNotMatch(screen.text, /after/);
});

const PROMPT = 'ready> ';

/** An interactive shell, and what is typed there when it is ready. */
async function withShell(
  use: (screen: Screen, enter: (line: string) => Promise<void>) => Promise<void>,
) {
  using screen = new Screen();
  const env = { PS1: PROMPT, HISTFILE: '/dev/null', PROMPT_COMMAND: '', TERM: 'dumb' };
  const options = ['--norc', '--noprofile', '--noediting', '-i'];
  const shell = await screen.spawn('bash', options, { env });
  try {
    await use(screen, async (line) => {
      await until(() => screen.text.endsWith(PROMPT), 'the shell is ready');
      screen.type(`${line}\n`);
    });
    screen.type('exit 0\n');
    assert.equal((await shell.exited).code, 0);
  } finally {
    await shell.stop({ signal: 'SIGKILL', scope: 'session' });
  }
}

const hasBash = existsSync('/bin/bash') || existsSync('/usr/bin/bash');
const skip = hasBash ? false : 'bash(1) is not installed';

// os/signal's TestTerminalSignal
for (const flags of ['', '--foreground 0 ']) {
  test(
    `a job of a shell is stopped, continued and interrupted: run ${flags}`,
    () =>
      withShell(async (screen, enter) => {
        const run = `'${bin}' run ${flags}-- `;
        await enter(`${run}cat; echo code=$?`);
        screen.type('one\n');
        await screen.until(/one\none\n/);
        for (const word of ['two', 'three']) {
          screen.type(KEYS.suspend);
          await screen.until(/Stopped .*cat\n(.*\n)?ready> $/);
          await enter('fg');
          await screen.until(/fg\n.* cat\n$/);
          screen.type(`${word}\n`);
          await screen.until(new RegExp(`${word}\n${word}\n`));
        }
        screen.type(KEYS.end);
        await until(() => screen.text.endsWith(PROMPT));
        await enter(`${run}sleep 60`);
        await screen.until(/sleep 60\n$/);
        await until(() => screen.foreground !== 0 && isSleeping(screen.foreground));
        screen.type(KEYS.interrupt);
        await enter('echo code=$?');
        await screen.until(/code=130\n/);
      }),
    { skip },
  );
}

test(
  'a stopped foreground job continues with all its processes and reports its own stop signal',
  () =>
    withShell(async (screen, enter) => {
      await enter(`'${bin}' run --foreground 0 -- sh -c 'sleep 1; echo "done"'; echo code=$?`);
      await until(() => screen.foreground !== 0 && isSleeping(screen.foreground));
      screen.type(KEYS.suspend);
      await screen.until(/code=148\n/);
      await enter('fg');
      await screen.until(/\ndone\n/);
    }),
  { skip },
);

/** Whether a process of this group has become sleep(1). */
function isSleeping(group: number): boolean {
  return readdirSync('/proc').some((name) => {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      return stat.includes('(sleep)') && look(Number(name)).group === group;
    } catch {
      return false;
    }
  });
}
