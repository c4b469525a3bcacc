// The drop-in for node-pty: what its users rely on, and what they had to work around.

import assert from 'node:assert/strict';
import { readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type IPtyForkOptions, open, spawn } from '#dist/node-pty/index.js';
import { patience } from './helpers/patience.js';
import { until as untilIt } from './helpers/streams.js';
import { test } from './helpers/test.js';

/** A program on a terminal with what it has printed and how it ended. */
function start(file: string, args: readonly string[] = [], options: IPtyForkOptions = {}) {
  const pty = spawn(file, args, options);
  const chunks: (string | Buffer)[] = [];
  let after = 0;
  let ended = false;
  pty.onData((chunk) => {
    chunks.push(chunk);
    if (ended) after += 1;
  });
  const exited = new Promise<{ exitCode: number; signal?: number }>((resolve) => {
    pty.onExit((event) => {
      ended = true;
      resolve(event);
    });
  });
  const text = (): string => chunks.map(String).join('');
  const until = async (pattern: RegExp): Promise<void> => {
    for (const deadline = Date.now() + patience(20_000); !pattern.test(text()); await sleep(5)) {
      assert.ok(Date.now() < deadline, `${pattern} never came after ${JSON.stringify(text())}`);
    }
  };
  const closed = new Promise<void>((resolve) => pty.on('close', () => resolve()));
  return { pty, chunks, text, until, exited, closed, after: () => after };
}

const sh = (script: string, options: IPtyForkOptions = {}) => start('sh', ['-c', script], options);
const node = (script: string, options: IPtyForkOptions = {}) =>
  start(process.execPath, ['-e', script], options);

test('onExit has the exit code, and signal 0', async () => {
  const { exited, closed } = sh('exit 3');
  assert.deepEqual(await exited, { exitCode: 3, signal: 0 });
  await closed;
});

test('all output comes before onExit, and none after it', async () => {
  for (let round = 0; round < 20; round++) {
    const { text, exited, closed, after } = sh('printf "hello%.0s" $(seq 1000)');
    await exited;
    assert.equal(text().length, 5000, `round ${round}`);
    await closed;
    assert.equal(after(), 0);
  }
});

test('a character whose bytes come one after another is told once and whole', async () => {
  const { chunks, exited, closed } = node(
    'process.stdout.write(Buffer.of(0xe4, 0xb8)); setTimeout(() => process.stdout.write(Buffer.of(0xad)), 300)',
  );
  await exited;
  assert.deepEqual(
    chunks.filter((chunk) => chunk !== ''),
    ['中'],
  );
  await closed;
});

test('no chunk ends in half of a surrogate pair', async () => {
  const { chunks, exited, closed } = node("process.stdout.write('a'.repeat(65535) + '😀')");
  await exited;
  for (const chunk of chunks) assert.doesNotMatch(String(chunk).slice(-1), /[\ud800-\udbff]/);
  assert.equal(chunks.map(String).join('').length, 65_537);
  await closed;
});

test('encoding null gives Buffers', async () => {
  const { chunks, exited, closed } = node(
    'process.stdout.write(Buffer.of(0xe4, 0xb8)); setTimeout(() => process.stdout.write(Buffer.of(0xad)), 200)',
    { encoding: null },
  );
  await exited;
  assert.ok(chunks.length > 1 && chunks.every((chunk) => Buffer.isBuffer(chunk)));
  assert.deepEqual(Buffer.concat(chunks as Buffer[]), Buffer.of(0xe4, 0xb8, 0xad));
  await closed;
});

test('erase takes a whole character with the default encoding', async () => {
  const { pty, text, until, exited, closed } = sh('stty -echo; echo ready; read x; echo "[$x]"');
  await until(/ready/);
  for (const word of ['a', 'é', '\x7f', 'b', '\n']) pty.write(word);
  await exited;
  assert.match(text(), /\[ab\]/);
  await closed;
});

test('process is the name of the program in the foreground', async () => {
  const { pty, until, exited, closed } = start('bash', ['--norc', '-i'], {
    env: { ...process.env, PS1: 'now> ' },
  });
  await until(/now> /);
  assert.equal(pty.process, 'bash');
  pty.write('cat\n');
  await untilIt('runs cat', () => pty.process === 'cat');
  pty.write('\x04');
  await untilIt('is back at the prompt', () => pty.process === 'bash');
  pty.write('exit\n');
  await exited;
  await closed;
});

test('the size is 80 columns and 24 rows unless it is given, and resize changes it', async () => {
  const { pty, text, exited, closed } = sh('stty size; read x; stty size');
  assert.deepEqual([pty.cols, pty.rows], [80, 24]);
  const bad = [
    [0, 24],
    [80, 0],
    [-1, 24],
    [Number.NaN, 24],
    [Number.POSITIVE_INFINITY, 24],
  ] as const;
  for (const [cols, rows] of bad) assert.throws(() => pty.resize(cols, rows));
  pty.resize(90, 30);
  assert.deepEqual([pty.cols, pty.rows], [90, 30]);
  pty.write('\n');
  await exited;
  assert.match(text(), /30 90\r\n$/);
  await closed;
});

test('TERM is xterm where neither name nor env has one', async () => {
  const env = { PATH: process.env['PATH'] };
  const { text, exited, closed } = sh('echo $TERM', { env });
  await exited;
  assert.equal(text(), 'xterm\r\n');
  await closed;
});

test('kill() is SIGHUP, which a program may handle, and kill(SIGKILL) ends it with signal 9', async () => {
  const { pty, until, exited, closed } = sh(
    "trap 'echo hup' HUP; echo ready; while :; do sleep 0.02; done",
  );
  await until(/ready/);
  pty.kill();
  await until(/hup/);
  pty.kill('SIGKILL');
  assert.deepEqual(await exited, { exitCode: 0, signal: 9 });
  await closed;
});

test('whatever is called after kill() and after the end throws at the call or not at all', async (t) => {
  const late: unknown[] = [];
  const listener = (error: unknown): number => late.push(error);
  process.on('uncaughtException', listener).on('unhandledRejection', listener);
  t.after(() => process.off('uncaughtException', listener).off('unhandledRejection', listener));
  const { pty, exited, closed } = start('cat');
  pty.kill();
  pty.write('x');
  await exited;
  await closed;
  for (const call of [
    () => pty.write('x'),
    () => pty.resize(90, 30),
    () => pty.kill(),
    () => pty.pause(),
    () => pty.resume(),
    () => pty.clear(),
    () => pty.destroy(),
  ]) {
    try {
      call();
    } catch {
      // allowed
    }
  }
  await sleep(400);
  assert.deepEqual(late, []);
});

test('handleFlowControl pauses the output, and no character of it reaches the program', async () => {
  const script = `stty raw -echo; echo ready; head -c 2 | od -An -tx1; sleep 1`;
  const { pty, text, until, exited, closed } = sh(script, { handleFlowControl: true });
  await until(/ready/);
  pty.write('\x13');
  pty.write('a');
  pty.write('b');
  await sleep(400);
  assert.doesNotMatch(text(), /61/);
  pty.write('\x11');
  await until(/61 62/);
  await exited;
  await closed;
});

test('a program or directory that is missing is thrown by spawn', () => {
  assert.throws(() => spawn('/no/such'), { name: 'LaunchError', code: 'ENOENT' });
  assert.throws(() => spawn('true', [], { cwd: '/no/such' }), { code: 'ENOENT', step: 'chdir' });
});

test('a user that is given gets neither the groups of root nor its group', async () => {
  const { text, exited, closed } = start('id', ['-G'], { uid: 65534, gid: 65534 });
  await exited;
  assert.equal(text(), '65534\r\n');
  await closed;
});

test('options of the caller are not changed', async () => {
  const options = Object.freeze({ env: Object.freeze({ PATH: process.env['PATH'] }) });
  const { exited, closed } = sh('exit', options);
  await exited;
  await closed;
});

test('output of a background job comes after the exit of the shell', async () => {
  const { pty, until, exited } = sh('trap "" HUP; (sleep 0.5; echo late) & echo early');
  let isClosed = false;
  pty.on('close', () => {
    isClosed = true;
  });
  await exited;
  await until(/late/);
  // Its program has ended, so it does not keep the event loop alive: looking does.
  await untilIt('the terminal is closed', () => isClosed);
});

test('open gives a terminal without a program', async () => {
  const pty = open({ cols: 100, rows: 30 });
  assert.match(pty.ptsName, /^\/dev\/pts\/\d+$/);
  assert.deepEqual([pty.cols, pty.rows], [100, 30]);
  assert.match(readlinkSync(`/proc/self/fd/${pty.fd}`), /ptmx$/);
  const closed = new Promise<void>((resolve) => pty.on('close', () => resolve()));
  pty.destroy();
  await closed;
  assert.equal(pty.fd, -1);
});
