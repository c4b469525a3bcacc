// Streams of signals: what os/signal's TestSignal, TestStress, TestReset, TestIgnore, TestIgnored,
// TestStop and TestSIGCONT assert of channels, and what only streams have.

import assert from 'node:assert/strict';
import { Worker } from 'node:worker_threads';
import {
  ignore,
  ignored,
  notify,
  reset,
  type SignalInfo,
  type SignalName,
  type SignalStream,
  table,
} from '#dist/signal/index.js';
import { kill } from '#dist/syscall/groups.js';
import { patience } from '../helpers/patience.js';
import {
  aMoment,
  gather,
  names,
  signalsOfThisProcess,
  startMode,
  until,
} from '../helpers/signals.js';
import { test } from '../helpers/test.js';

function send(...signals: SignalName[]): void {
  for (const signal of signals) kill(process.pid, signal);
}

function aTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The next signals of a stream. */
async function take(stream: SignalStream, count: number): Promise<SignalInfo[]> {
  const iterator = stream[Symbol.asyncIterator]();
  const taken: SignalInfo[] = [];
  while (taken.length < count) {
    const { value, done } = await iterator.next();
    assert.ok(!done, 'the stream has ended');
    taken.push(value);
  }
  return taken;
}

// TestSignal
test('a signal goes to each stream that names it', async () => {
  using hangups = notify('SIGHUP');
  send('SIGHUP');
  assert.deepEqual(names(await take(hangups, 1)), ['SIGHUP']);
  using all = notify();
  // Unlike Go's "all", where SIGWINCH and its like are ignored by default they are so here.
  using windows = notify('SIGWINCH');
  send('SIGWINCH');
  assert.deepEqual(names(await take(windows, 1)), ['SIGWINCH']);
  send('SIGHUP');
  assert.deepEqual(names(await take(all, 1)), ['SIGHUP']);
  // The first stream was not read meanwhile, and has lost nothing.
  send('SIGHUP');
  assert.deepEqual(names(await take(all, 1)), ['SIGHUP']);
  assert.deepEqual(names(await take(hangups, 2)), ['SIGHUP', 'SIGHUP']);
});

test('notify without names takes all signals that can be caught and are not ignored by default', async () => {
  const wanted = table.filter(({ policy }) => policy === 'catch');
  using stream = notify();
  const gathered = gather(stream);
  // Handled one by one: what is pending at once comes lowest number first.
  for (const { number } of wanted) {
    kill(process.pid, number);
    await until(() => gathered.some((info) => info.number === number));
  }
  assert.deepEqual(
    gathered.map(({ number }) => number),
    wanted.map(({ number }) => number),
  );
});

// TestStress
test('a flood of signals from a Worker is delivered, and nothing arrives after stop', async () => {
  const stream = notify('SIGUSR1');
  using others = notify('SIGUSR1'); // the flood is not to end this process
  const over = new Int32Array(new SharedArrayBuffer(4));
  const flood = new Worker(
    `const { workerData } = require('node:worker_threads');
     while (Atomics.load(workerData, 0) === 0) process.kill(process.pid, 'SIGUSR1');`,
    { eval: true, workerData: over },
  );
  const ended = new Promise((resolve) => flood.once('exit', resolve));
  let count = 0;
  let stopped = false;
  stream.on('signal', () => {
    assert.equal(stopped, false, 'after stop');
    count++;
  });
  try {
    await until(() => count > 1000);
    stream.stop();
    stopped = true;
    await aMoment();
  } finally {
    Atomics.store(over, 0, 1);
    await ended;
  }
  assert.ok(gather(others).length > 0);
});

/** That `cancel` ends all streams for SIGWINCH and SIGHUP, and these have no effect afterwards. */
async function assertCancels(cancel: () => void): Promise<void> {
  const both = [notify('SIGWINCH'), notify('SIGWINCH', 'SIGHUP')] as const;
  const [first, second] = both.map(gather) as [SignalInfo[], SignalInfo[]];
  send('SIGWINCH');
  await until(() => first.length === 1 && second.length === 1);
  send('SIGHUP');
  await until(() => second.length === 2);
  cancel();
  send('SIGWINCH');
  if (ignored('SIGHUP')) send('SIGHUP');
  await aMoment();
  assert.deepEqual([names(first), names(second)], [['SIGWINCH'], ['SIGWINCH', 'SIGHUP']]);
}

// Were there a moment between the two, the flood would end this process.
test('a signal never has its default action between notify and ignore', async () => {
  ignore('SIGUSR2');
  const flood = new Worker(
    `const end = Date.now() + ${patience(300)};
     while (Date.now() < end) process.kill(process.pid, 'SIGUSR2');`,
    { eval: true },
  );
  let ended = false;
  flood.once('exit', () => {
    ended = true;
  });
  while (!ended) {
    notify('SIGUSR2');
    ignore('SIGUSR2');
    await aTurn();
  }
  reset('SIGUSR2');
});

// TestReset
test('reset ends all streams for a signal', () => assertCancels(() => reset('SIGWINCH', 'SIGHUP')));

// TestIgnore
test('ignore ends all streams for a signal', async () => {
  await assertCancels(() => ignore('SIGWINCH', 'SIGHUP'));
  reset('SIGWINCH', 'SIGHUP');
});

// TestIgnored, TestCheckSignonStack
test('ignored returns whether a signal is ignored', () => {
  for (const signal of ['SIGHUP', 'SIGINT', 'SIGUSR1', 'SIGRTMIN+2'] as const) {
    assert.equal(ignored(signal), false);
    ignore(signal);
    assert.equal(ignored(signal), true);
    send(signal);
    const stream = notify(signal);
    assert.equal(ignored(signal), false, 'while it is caught');
    stream.stop();
    assert.equal(ignored(signal), true, 'it was ignored before');
    reset(signal); // Go's leaves it ignored
    assert.equal(ignored(signal), false);
  }
});

test('reset without names puts back every disposition of the runtime', () => {
  const before = ['SigIgn', 'SigCgt'].map((line) => signalsOfThisProcess(line as 'SigIgn'));
  ignore('SIGTERM', 'SIGUSR1', 'SIGHUP');
  const stream = notify('SIGHUP', 'SIGUSR2');
  reset();
  assert.deepEqual(
    ['SigIgn', 'SigCgt'].map((line) => signalsOfThisProcess(line as 'SigIgn')),
    before,
  );
  stream.stop();
});

test('ignore without names spares SIGCHLD and the signals of the runtime', () => {
  ignore();
  try {
    for (const { name, policy } of table) {
      assert.equal(ignored(name), policy !== 'leave' && name !== 'SIGCHLD', name);
    }
  } finally {
    reset();
  }
  for (const signal of ['SIGKILL', 'SIGSTOP', 'SIGSEGV', 'SIGCHLD'] as const) {
    assert.throws(() => ignore(signal), { code: 'ERR_INVALID_ARG_VALUE' }, signal);
  }
});

// TestStop
test('a signal arrives between notify and stop, and at no other time', async () => {
  // Elsewhere than in Go these would end the process; there they are sent only under nohup.
  ignore('SIGHUP', 'SIGUSR1');
  for (const signal of ['SIGWINCH', 'SIGHUP', 'SIGUSR1'] as const) {
    send(signal);
    const stream = notify(signal);
    const gathered = gather(stream);
    await aMoment();
    assert.deepEqual(gathered, [], 'from before');
    send(signal);
    await until(() => gathered.length > 0);
    stream.stop();
    send(signal);
    await aMoment();
    assert.deepEqual(names(gathered), [signal]);
  }
  reset();
});

// TestSIGCONT
test('SIGCONT can be caught', async () => {
  using stream = notify('SIGCONT');
  send('SIGCONT');
  assert.deepEqual(names(await take(stream, 1)), ['SIGCONT']);
});

test('SIGINT and SIGTERM arrive once each', async () => {
  using stream = notify('SIGINT', 'SIGTERM');
  const gathered = gather(stream);
  send('SIGINT', 'SIGTERM');
  await aMoment();
  assert.deepEqual(names(gathered), ['SIGINT', 'SIGTERM']);
});

test('stop delivers earlier signals and ends an iteration', async () => {
  const stream = notify('SIGUSR2', 'SIGHUP');
  const gathered: string[] = [];
  const iteration = (async () => {
    for await (const { signal } of stream) gathered.push(signal);
  })();
  send('SIGUSR2', 'SIGHUP');
  stream.stop();
  stream.stop();
  await iteration;
  assert.deepEqual(gathered.sort(), ['SIGHUP', 'SIGUSR2']);
  assert.deepEqual(await stream[Symbol.asyncIterator]().next(), { done: true, value: undefined });
});

test('stop delivers earlier signals while other streams go on', async () => {
  using others = notify('SIGUSR2');
  const all = gather(others);
  for (let round = 1; round <= 20; round++) {
    const stream = notify('SIGUSR2');
    const gathered = gather(stream);
    send('SIGUSR2');
    stream.stop();
    assert.deepEqual(names(gathered), ['SIGUSR2']);
    assert.equal(all.length, round, 'they have it as well');
    await aTurn();
  }
});

test('leaving an iteration stops the stream', async () => {
  const stream = notify('SIGUSR2');
  send('SIGUSR2');
  for await (const { signal } of stream) {
    assert.equal(signal, 'SIGUSR2');
    break;
  }
  assert.equal(ignored('SIGUSR2'), false);
  assert.equal(signalsOfThisProcess('SigCgt') & (1n << 11n), 0n);
});

test('each signal goes to one of several iterations of a stream', async () => {
  using stream = notify('SIGUSR2');
  const waiting = [1, 2, 3].map(() => stream[Symbol.asyncIterator]().next());
  for (const next of waiting) {
    send('SIGUSR2');
    assert.equal((await next).value?.signal, 'SIGUSR2');
  }
  const last = stream[Symbol.asyncIterator]().next();
  stream.stop();
  assert.equal((await last).done, true);
});

test('a listener that stops other streams costs them no earlier signal', async () => {
  const stopping = notify('SIGUSR1', 'SIGUSR2', 'SIGHUP');
  const stopped = notify('SIGUSR1', 'SIGUSR2', 'SIGHUP');
  using others = notify('SIGUSR1', 'SIGUSR2', 'SIGHUP');
  const all = gather(others);
  const came = gather(stopped);
  let late = false;
  stopped.on('signal', () => assert.equal(late, false, 'after stop'));
  const first: string[] = [];
  stopping.on('signal', ({ signal }) => {
    first.push(signal);
    stopping.stop();
    stopped.stop();
    late = true;
  });
  // All in one batch: none is dispatched before this code returns.
  send('SIGHUP', 'SIGUSR1', 'SIGUSR2');
  await until(() => all.length === 3);
  const three = ['SIGHUP', 'SIGUSR1', 'SIGUSR2'];
  assert.deepEqual([names(all), names(came), first], [three, three, three]);
});

test('a listener that throws costs other listeners no signal', async () => {
  await using program = await startMode('throwing'); // a test runner would take it for a failure
  const lines = [await program.line(), await program.line(), await program.line()];
  assert.deepEqual(lines.sort(), ['after', 'caught: a mistake', 'others']);
  assert.equal((await program.child.exited).code, 0);
});

test('on() of a stream refuses wrong events and listeners', () => {
  using stream = notify('SIGUSR2');
  assert.throws(() => stream.on('other' as 'signal', () => {}), { code: 'ERR_INVALID_ARG_VALUE' });
  assert.throws(() => stream.on('signal', undefined as never), { code: 'ERR_INVALID_ARG_VALUE' });
});
