// Sizes, modes, signals and the end of a Terminal.

import assert from 'node:assert/strict';
import { execFileSync, spawn as spawnByNode } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { LaunchError, run, spawn } from '#dist/index.js';
import { call } from '#dist/syscall/call.js';
import { TIOC } from '#dist/syscall/constants.js';
import { type Foreground, openTerminal } from '#dist/terminal/index.js';
import { Desk } from '../helpers/desk.js';
import { until } from '../helpers/streams.js';
import { test } from '../helpers/test.js';

test('a new Terminal has 80 columns, 24 rows and IUTF8', async () => {
  await using terminal = openTerminal();
  assert.deepEqual(terminal.size, { columns: 80, rows: 24, pixelWidth: 0, pixelHeight: 0 });
  assert.equal(terminal.attributes().iutf8, true);
  assert.match(terminal.path, /^\/dev\/pts\/\d+$/);
});

test('a program sees the size in characters and pixels', async () => {
  const given = { columns: 100, rows: 30, pixelWidth: 800, pixelHeight: 480 };
  await using desk = new Desk(given);
  assert.deepEqual(desk.terminal.size, given);
  const seen = new Uint16Array(4);
  call('ioctl', desk.terminal.childFd, TIOC.TIOCGWINSZ, seen);
  assert.deepEqual([...seen], [30, 100, 800, 480]);
  const child = await desk.spawn('stty', ['size']);
  await child.exited;
  assert.equal(await desk.screen(), '30 100');
});

test('a resize to another size sends one SIGWINCH, to the same size none', async () => {
  await using desk = new Desk();
  const script = `n=0; trap 'n=$((n+1)); echo winch' WINCH; trap 'echo count=$n; exit' USR1; echo ready
    while :; do sleep 0.01; done`;
  const child = await desk.spawn('bash', ['-c', script]);
  await desk.until(/ready/);
  for (const columns of [80, 90, 90]) {
    desk.terminal.resize(columns, 24);
    await sleep(150);
  }
  await desk.until(/winch/);
  child.kill('SIGUSR1');
  await child.exited;
  assert.match(desk.text, /count=1\r\n/);
});

test('a Node program on a Terminal gets a resize event', async () => {
  await using desk = new Desk();
  const script = `process.stdout.on('resize', () => {
    console.log(process.stdout.columns + ' ' + process.stdout.rows);
    process.exit();
  });
  setTimeout(() => {}, 60_000);
  console.log('ready');`;
  const child = await desk.spawn(process.execPath, ['-e', script]);
  await desk.shows(/^ready$/);
  desk.resize(120, 50);
  await child.exited;
  assert.equal(await desk.screen(), 'ready\n120 50');
});

test('session, group, foreground group and terminal of a program are its own', async () => {
  const script = 'echo $$; ps -o pid=,pgid=,sess=,tpgid=,tty= -p $$; stty size; tty; exec true';
  for (const inline of [false, true]) {
    const options = { columns: 100, rows: 30 };
    await using desk = new Desk(options);
    const child = inline
      ? await spawn('sh', ['-c', script], { terminal: options })
      : await desk.sh(script);
    await child.exited;
    const text = inline ? String(child.terminal?.output.read()) : desk.text;
    const [pid = '', ps = '', size, tty = ''] = text.split('\r\n');
    const [own, group, session, foreground, psTty] = ps.trim().split(/\s+/);
    assert.deepEqual([own, group, session, foreground], [pid, pid, pid, pid], text);
    assert.equal(size, '30 100');
    assert.equal(tty, `/dev/${psTty}`);
    if (inline) await child.terminal?.close();
  }
});

test('^C ends a program that is in the foreground with SIGINT', async () => {
  await using desk = new Desk();
  const child = await desk.spawn('sleep', ['30']);
  desk.type('\x03');
  const status = await child.exited;
  assert.deepEqual([status.code, status.signal, await desk.screen()], [null, 'SIGINT', '^C']);
});

test('signal() reaches all of the foreground group with any signal', async () => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGUSR1'] as const) {
    await using desk = new Desk();
    const child = await desk.sh('sleep 30 & sleep 30');
    await sleep(50);
    assert.equal(desk.terminal.foregroundGroup, child.pid);
    assert.equal(desk.terminal.signal(signal), true);
    assert.equal((await child.exited).signal, signal);
    // The kernel names no group once its leader is gone and reaped.
    assert.equal(desk.terminal.signal('SIGTERM'), false);
  }
});

test('signal() reaches a foreground group whose leader has ended', async () => {
  await using desk = new Desk();
  await desk.spawn('bash', ['--norc', '-i'], { env: { PS1: 'now> ' } });
  await desk.until(/now> /);
  desk.type('true | sh -c "echo begun; sleep 60"; echo code=$?\n');
  const started = desk.text.length;
  await desk.until(/begun\r/, started);
  // The shell has reaped `true`, the leader of the job.
  const group = desk.terminal.foregroundGroup;
  while (existsSync(`/proc/${group}`)) await sleep(5);
  assert.equal(desk.terminal.signal('SIGTERM'), true);
  await desk.until(/code=143/, started);
});

test("signal() with the scope 'session' reaches all on the terminal, and nothing else", async () => {
  await using desk = new Desk();
  await using other = new Desk();
  const bystander = await other.spawn('sleep', ['60']);
  const shell = await desk.spawn('bash', ['--norc', '-i'], { env: { PS1: 'now> ' } });
  await desk.until(/now> /);
  const leaver = "setsid sh -c 'echo left=$$; exec sleep 62' </dev/null &";
  desk.type(`sleep 60 & sleep 61 & ${leaver} echo jobs=$(jobs -p | wc -l)\n`);
  await desk.until(/jobs=3/);
  const left = Number((await desk.until(/left=(\d+)\r/))[1]);
  const names = (): string[] =>
    execFileSync('ps', ['-e', '-o', 'sess=,args='], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => new RegExp(`^ *${shell.pid} sleep`).test(line));
  while (names().length !== 2) await sleep(5);
  assert.throws(() => desk.terminal.signal('SIGTERM', { scope: 'tree' as 'group' }), {
    code: 'ERR_INVALID_ARG_VALUE',
  });
  assert.equal(desk.terminal.signal('SIGKILL', { scope: 'session' }), true);
  assert.equal((await shell.exited).signal, 'SIGKILL');
  assert.deepEqual(names(), []);
  assert.equal(desk.terminal.signal('SIGKILL', { scope: 'session' }), false);
  assert.equal(bystander.process.status(), undefined);
  process.kill(left, 'SIGKILL');
});

test('foreground events name the program in the foreground and its working directory', async () => {
  await using desk = new Desk();
  const seen: Foreground[] = [];
  const listener = (now: Foreground): number => seen.push(now);
  const shell = await desk.spawn('bash', ['--norc', '-i'], { env: { PS1: 'now> ' }, cwd: '/usr' });
  await desk.until(/now> /);
  desk.terminal.on('foreground', listener);
  assert.deepEqual(seen, [{ pid: shell.pid, name: 'bash', cwd: '/usr' }]);
  const last = (): string => `${seen.at(-1)?.name} in ${seen.at(-1)?.cwd}`;
  desk.type('cd /tmp; cat\n');
  await until('cat is seen', () => last() === 'cat in /tmp');
  desk.type('\x04');
  await until('the shell is seen again', () => last() === 'bash in /tmp');
  desk.terminal.off('foreground', listener);
  const { length } = seen;
  desk.type('sleep 0.3\n');
  await sleep(250);
  assert.equal(seen.length, length);
});

test('a shell on a Terminal has job control', async () => {
  await using desk = new Desk();
  await desk.spawn('bash', ['--norc', '-i'], { env: { PS1: 'now> ' } });
  await desk.shows(/^now>$/);
  desk.type('set -o | grep monitor\n');
  await desk.shows(/^monitor +on\nnow>$/m);
  assert.doesNotMatch(await desk.screen(), /job control|process group/);
  desk.type('cat\n');
  await desk.runs('cat');
  desk.type('\x03');
  await desk.shows(/\^C\nnow>$/);
  desk.type('echo "code=$?"\n');
  await desk.shows(/^code=130\nnow>$/m);
  desk.type('sleep 31\n');
  await desk.runs('sleep');
  desk.type('\x1a');
  await desk.shows(/^\[1\]\+ +Stopped +sleep 31\nnow>$/m);
  desk.type('fg\n');
  await desk.runs('sleep');
  desk.type('\x03');
  await desk.shows(/sleep 31\n\^C\nnow>$/);
  desk.type('echo "code=$?"; jobs; echo end\n');
  // No job is left to be listed between the two.
  await desk.shows(/^code=130\nend\nnow>$/m);
});

test('^Z does not stop a program that leads the session, whose group is orphaned', async () => {
  await using desk = new Desk();
  const child = await desk.spawn('sleep', ['0.5']);
  let stopped = false;
  child.on('stopped', () => {
    stopped = true;
  });
  desk.type('\x1a');
  const status = await child.exited;
  assert.deepEqual([status.code, await desk.screen(), stopped], [0, '^Z', false]);
});

test('close() ends the shell with SIGHUP and leaves a job that ignores it', async () => {
  await using desk = new Desk();
  const shell = await desk.sh('nohup sleep 60 >/dev/null 2>&1 & echo job=$!; wait');
  const job = Number((await desk.until(/job=(\d+)\r/))[1]);
  // nohup has ignored the signal once it is the program.
  while (!readFileSync(`/proc/${job}/cmdline`, 'latin1').startsWith('sleep')) await sleep(5);
  await desk.terminal.close();
  assert.equal((await shell.exited).signal, 'SIGHUP');
  // Lives, asleep or about to be: Z and X are the states of a process that has ended.
  assert.match(readFileSync(`/proc/${job}/stat`, 'latin1'), /\(sleep\) [RSD] /);
  process.kill(job, 'SIGKILL');
});

test('close() of one Terminal ends its program and no other', async () => {
  await using one = new Desk();
  await using two = new Desk();
  const [first, second] = [await one.spawn('sleep', ['60']), await two.spawn('sleep', ['60'])];
  // A child that inherited the first Terminal's descriptors would keep it from hanging up.
  const other = spawnByNode('sleep', ['60'], { stdio: 'ignore' });
  await one.terminal.close();
  assert.equal((await first.exited).signal, 'SIGHUP');
  assert.equal(second.process.status(), undefined);
  other.kill('SIGKILL');
  await new Promise((resolve) => other.once('exit', resolve));
});

test('no other child sees a descriptor of a Terminal', async () => {
  await using desk = new Desk();
  await desk.spawn('sleep', ['60']);
  const args = ['-l', '/proc/self/fd'];
  const { stdout } = await run('ls', args);
  for (const text of [stdout, execFileSync('ls', args, { encoding: 'utf8' })]) {
    assert.doesNotMatch(text, /ptmx|pts\//);
  }
});

test('30 Terminals with a program each leave no descriptor', async () => {
  const before = readdirSync('/proc/self/fd').length;
  for (let round = 0; round < 30; round++) {
    await using desk = new Desk();
    const child = await desk.spawn('true');
    await child.exited;
  }
  assert.equal(readdirSync('/proc/self/fd').length, before);
});

test('whatever is called after the end is an error at the call or none at all', async (t) => {
  const late: unknown[] = [];
  const listener = (error: unknown): number => late.push(error);
  process.on('uncaughtException', listener).on('unhandledRejection', listener);
  t.after(() => process.off('uncaughtException', listener).off('unhandledRejection', listener));
  await using desk = new Desk();
  const child = await desk.spawn('true');
  await child.exited;
  const { terminal } = desk;
  // The kernel takes it all as long as the terminal is open.
  terminal.resize(90, 30);
  terminal.input.write('x');
  terminal.setRawMode(true);
  await Promise.all([terminal.close(), terminal.close()]);
  const closed = { name: 'SystemError', code: 'EBADF' };
  assert.throws(() => terminal.resize(80, 24), closed);
  assert.throws(() => terminal.setRawMode(false), closed);
  assert.throws(() => terminal.signal('SIGINT'), closed);
  assert.throws(() => terminal.attributes(), closed);
  assert.throws(() => terminal.size, closed);
  assert.throws(() => terminal.childFd, closed);
  terminal.input.write('x');
  await sleep(300);
  assert.deepEqual(late, []);
});

test('SIGTERM ends a program on a Terminal like any other', async () => {
  await using desk = new Desk();
  const child = await desk.spawn('sleep', ['30']);
  child.kill('SIGTERM');
  const { code, signal, shellCode } = await child.exited;
  assert.deepEqual([code, signal, shellCode], [null, 'SIGTERM', 143]);
});

test('a launch that fails prints nothing, and the Terminal is as good as before', async () => {
  await using desk = new Desk();
  const failed = async (promise: Promise<unknown>): Promise<LaunchError> => {
    const error = await promise.then(
      () => assert.fail('it was started'),
      (error) => error,
    );
    assert.ok(error instanceof LaunchError, String(error));
    return error;
  };
  const noDirectory = await failed(desk.spawn('true', [], { cwd: '/no/such' }));
  assert.deepEqual([noDirectory.code, noDirectory.step], ['ENOENT', 'chdir']);
  const noProgram = await failed(desk.spawn('/no/such'));
  assert.deepEqual([noProgram.code, noProgram.step], ['ENOENT', 'execve']);
  assert.equal(desk.text, '');
  const child = await desk.spawn('echo', ['fine']);
  await child.exited;
  assert.equal(desk.text, 'fine\r\n');
});

test('a program gets TERM from the Terminal, and keeps its other variables', async () => {
  await using desk = new Desk({ name: 'xterm-256color' });
  const child = await desk.sh('echo $TERM $A; test "$PATH" && test "$HOME" && echo both', {
    env: { A: '1' },
  });
  await child.exited;
  assert.equal(await desk.screen(), 'xterm-256color 1\nboth');
});

test('less reads its keys from the controlling terminal although its stdin is a pipe', async () => {
  await using desk = new Desk({ name: 'xterm' });
  const child = await desk.sh('seq 1000 | less; echo "left=$?"');
  await desk.shows(/^1\n2\n[\s\S]*\n23\n:$/);
  desk.type('q');
  await child.exited;
  assert.match(await desk.screen(), /^left=0$/m);
});

test('sizes, modes and names that a terminal can not have are refused before anything is opened', () => {
  const refused = { code: 'ERR_INVALID_ARG_VALUE' };
  const bad = [
    { columns: 0 },
    { rows: 70_000 },
    { columns: Number.NaN },
    { pixelWidth: -1 },
    { modes: { ecko: true } },
    { modes: { echo: 1 } },
    { modes: { intr: 300 } },
    { modes: { csize: 9 } },
    { name: '' },
    { name: 'a\0b' },
    null,
  ];
  for (const options of bad)
    assert.throws(() => openTerminal(options as object), refused, JSON.stringify(options));
});

test('every mode of a Terminal can be changed and is read back', async () => {
  await using terminal = openTerminal();
  const before = terminal.attributes();
  for (const [name, value] of Object.entries(before)) {
    // The kernel answers for these itself: hardware that a pseudo-terminal has not.
    const isFixed = ['csize', 'parenb', 'cread', 'ispeed', 'ospeed'].includes(name);
    const other = typeof value === 'boolean' ? !value : (value + 1) % 100;
    if (isFixed) continue;
    terminal.setAttributes({ [name]: other });
    assert.equal(terminal.attributes()[name as 'echo'], other, name);
    terminal.setAttributes({ [name]: value });
  }
  terminal.setAttributes({ ospeed: 9600, ispeed: 9600 });
  assert.equal(terminal.attributes().ospeed, 9600);
  terminal.setAttributes(before);
  assert.deepEqual(terminal.attributes(), before);
});

test('setRawMode(false) restores the modes that were there before setRawMode(true)', async () => {
  await using terminal = openTerminal({ modes: { echo: false } });
  const before = terminal.attributes();
  terminal.setRawMode(true);
  const raw = terminal.attributes();
  assert.deepEqual([raw.icanon, raw.isig, raw.opost, raw.min], [false, false, false, 1]);
  terminal.setRawMode(false);
  assert.deepEqual(terminal.attributes(), before);
});
