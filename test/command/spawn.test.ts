import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import type { Duplex, Readable, Writable } from 'node:stream';
import { ExitError, LaunchError, run, runSync, spawn } from '#dist/index.js';
import type { Process } from '#dist/process/index.js';
import { endOther } from '../helpers/other.js';
import { processState, text, until } from '../helpers/streams.js';
import { openDescriptors, test } from '../helpers/test.js';

const QUIET = { stdin: 'null', stdout: 'null', stderr: 'null' } as const;
const SLEEP = ['sleep', ['60'], QUIET] as const;
type Stream = Readable | Writable | Duplex;

/** Asked to end, it does not; and says when it is ready not to. */
const STUBBORN = "trap '' TERM; echo ready; while :; do sleep 0.05; done";

test('spawn resolves once the program runs', async () => {
  const child = await spawn(...SLEEP);
  assert.equal(child.pid, child.process.pid);
  assert.notEqual(processState(child.pid), '');
  assert.equal(child.process.status(), undefined);
  assert.equal(child.kill(), true);
  const status = await child.exited;
  assert.equal(status.signal, 'SIGTERM');
  assert.equal(await child.closed, status);
  assert.equal(child.process.status(), status);
  assert.equal(child.kill(), false);
  assert.equal(child.kill('SIGKILL'), false);
});

test('spawn takes options without arguments, and neither', async () => {
  assert.ok((await (await spawn('true')).exited).ok);
  assert.ok((await (await spawn('true', QUIET)).exited).ok);
  assert.ok((await (await spawn('true', [], QUIET)).exited).ok);
  await using child = await spawn('sh', ['-c', 'echo "$0"', 'word'], { stdout: 'pipe' });
  assert.equal(await text(child.stdout), 'word\n');
});

test('the stack of a LaunchError has the caller', async () => {
  async function whoLaunches(): Promise<void> {
    await spawn('/no/such/program');
  }
  await assert.rejects(whoLaunches, (error) => {
    assert.ok(error instanceof LaunchError);
    return error.stack?.includes('whoLaunches') === true;
  });
});

test('50 commands at once each have their own streams', async () => {
  const numbers = Array.from({ length: 50 }, (_, index) => index);
  const outputs = await Promise.all(
    numbers.map(async (number) => {
      await using child = await spawn('sh', ['-c', `cat; exit ${number}`], {
        stdin: 'pipe',
        stdout: 'pipe',
      });
      child.stdin.end(`number ${number}`);
      const output = await text(child.stdout);
      return [output, (await child.closed).code];
    }),
  );
  assert.deepEqual(
    outputs,
    numbers.map((number) => [`number ${number}`, number]),
  );
});

test('exited does not wait for held pipes, closed does', async () => {
  const script = 'sleep 60 & echo $!; exit 3';
  await using child = await spawn('sh', ['-c', script], { stdout: 'pipe' });
  const { stdout } = child;
  let closed = false;
  void child.closed.then(() => {
    closed = true;
  });
  const line = new Promise<string>((resolve) => stdout.once('data', (data) => resolve(`${data}`)));
  assert.equal((await child.exited).code, 3);
  const pid = Number(await line);
  stdout.resume();
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(closed, false);
  await endOther(pid);
  assert.equal((await child.closed).code, 3);
});

test('closed waits for held pipes by waitDelay at most', async () => {
  const script = 'sleep 60 & echo $!; exit 3';
  await using child = await spawn('sh', ['-c', script], { stdout: 'pipe', waitDelay: 50 });
  let output = '';
  child.stdout.on('data', (data) => {
    output += data;
  });
  const status = await child.closed;
  assert.equal(status.code, 3);
  assert.ok(child.stdout.destroyed);
  assert.match(output, /^\d+\n$/);
  await endOther(Number(output));
});

test('closed leaves no pipe open, used or not', async () => {
  const before = openDescriptors();
  for (const stdio of ['pipe', 'socket'] as const) {
    const child = await spawn('sh', ['-c', 'echo; echo >&2'], {
      stdin: stdio,
      stdout: stdio,
      stderr: stdio,
      fds: { 3: stdio },
    });
    await child.closed;
    assert.deepEqual(openDescriptors(), before, stdio);
  }
});

test('stop ends a child that is stopped by a signal', async () => {
  const child = await spawn(...SLEEP);
  child.kill('SIGSTOP');
  await until('it is stopped', () => processState(child.pid) === 'T');
  const status = await child.stop();
  assert.equal(status.signal, 'SIGTERM');
  assert.equal(await child.stop(), status, 'once more is nothing more');
});

test('stop sends SIGKILL if SIGTERM is ignored', async () => {
  await using child = await spawn('sh', ['-c', STUBBORN], { stdout: 'pipe' });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const status = await child.stop({ grace: 50 });
  assert.equal(status.signal, 'SIGKILL');
  assert.equal(status.reason, 'signaled');
});

test('stop sends the signals of its steps until the child ends', async () => {
  const script =
    "trap 'trap - INT; echo HUP' HUP; trap 'echo INT' INT; echo ready; while :; do sleep 0.02; done";
  await using child = await spawn('sh', ['-c', script], { ...QUIET, stdout: 'pipe' });
  let output = '';
  const said = (word: string) => until(`it said ${word}`, () => output.includes(word));
  child.stdout.on('data', (data) => {
    output += data;
  });
  await said('ready');
  const steps = [['SIGINT', 100], ['SIGHUP', 5000], ['SIGKILL']] as const;
  const stopping = child.stop({ steps: [...steps] });
  await said('HUP');
  child.kill('SIGINT');
  assert.equal((await stopping).signal, 'SIGINT');
  await child.closed;
  assert.equal(output, 'ready\nINT\nHUP\n');
});

test('timeout stops a child, and its status has the reason', async () => {
  const child = await spawn('sleep', ['60'], { ...QUIET, timeout: 30 });
  const status = await child.exited;
  assert.equal(status.reason, 'timeout');
  assert.equal(status.signal, 'SIGTERM');
  assert.equal(status.ok, false);
  const quick = await spawn('true', [], { ...QUIET, timeout: 20_000 });
  assert.equal((await quick.exited).reason, 'exited');
  const stubborn = await spawn('sh', ['-c', STUBBORN], {
    ...QUIET,
    timeout: 500,
    stop: { grace: 50 },
  });
  assert.deepEqual(
    [(await stubborn.exited).reason, (await stubborn.exited).signal],
    ['timeout', 'SIGKILL'],
  );
});

test('spawn with an aborted AbortSignal starts nothing', async () => {
  const reason = new Error('not any more');
  const rejected = spawn('/no/such/program', [], { signal: AbortSignal.abort(reason) });
  await assert.rejects(rejected, (error) => error === reason);
});

test('an abort stops a child, and an unused AbortSignal keeps no listener', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const child = await spawn('sleep', ['60'], { ...QUIET, signal });
  const other = await spawn('true', [], { ...QUIET, signal });
  assert.equal((await other.exited).reason, 'exited');
  await until('one listener is left', () => getEventListeners(signal, 'abort').length === 1);
  controller.abort();
  const status = await child.exited;
  assert.deepEqual([status.reason, status.signal], ['aborted', 'SIGTERM']);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
  assert.equal((await other.exited).reason, 'exited', 'what is over is over');
});

test('an abort during the launch stops the child', async () => {
  const controller = new AbortController();
  const spawning = spawn('sleep', ['60'], { ...QUIET, signal: controller.signal });
  controller.abort();
  const child = await spawning;
  assert.equal((await child.exited).reason, 'aborted');
});

test('await using stops a child and closes its streams', async () => {
  let left: { process: Process; streams: Stream[] } | undefined;
  {
    await using child = await spawn('sh', ['-c', STUBBORN], {
      stdin: 'pipe',
      stdout: 'pipe',
      fds: { 3: 'pipe', 4: 'socket' },
      stop: { signal: 'SIGHUP', grace: 5000 },
    });
    const { process, stdin, stdout, fds } = child;
    left = { process, streams: [stdin, stdout, ...fds.values()] };
    await new Promise((resolve) => child.stdout.once('data', resolve));
  }
  assert.equal(left?.process.status()?.signal, 'SIGHUP');
  assert.deepEqual(
    left.streams.map(({ destroyed }) => destroyed),
    [true, true, true, true],
  );
});

test('kill returns false for an ended child, even before its end is reported', async () => {
  await using child = await spawn('sh', ['-c', 'read line; echo "$line"'], {
    stdin: 'pipe',
    stdout: 'pipe',
  });
  const answer = new Promise<boolean | unknown>((resolve) => {
    child.stdout.once('data', () => {
      try {
        resolve(child.kill('SIGKILL'));
      } catch (error) {
        resolve(error);
      }
    });
  });
  await new Promise((resolve) => setImmediate(resolve));
  child.stdin.write('word\n');
  // The data and the end arrive together, since nobody asks for them from here on.
  const ended = Date.now() + 10_000;
  while (processState(child.pid) !== '' && Date.now() < ended);
  runSync('sleep', ['0.02']);
  assert.equal(await answer, false);
  assert.equal((await child.exited).code, 0);
});

test('a failed launch with pipes and files leaves nothing behind', async () => {
  for (const stdio of ['pipe', 'socket', 'inherit', 'null', { file: '/dev/null' }] as const) {
    const fifth = typeof stdio === 'object' ? { ...stdio, access: 'write' as const } : stdio;
    const options = { stdin: stdio, stdout: stdio, stderr: stdio, fds: { 5: fifth } };
    await assert.rejects(spawn('/no/such/program', options), { code: 'ENOENT' });
    await assert.rejects(run('sh', ['-c', 'exit 1'], options), ExitError);
  }
});
