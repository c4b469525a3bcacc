// Streams beside process.on, and what keeps an event loop alive.

import assert from 'node:assert/strict';
import { ignore, ignored, notify, reset, type SignalName } from '#dist/signal/index.js';
import { needsDebugger, needsHandlersToGo, needsWordOfListeners } from '../helpers/runtime.js';
import {
  aMoment,
  gather,
  names,
  signalsOfThisProcess,
  startMode,
  until,
} from '../helpers/signals.js';
import { test } from '../helpers/test.js';

function send(signal: SignalName): void {
  process.kill(process.pid, signal);
}

// What Node does on these by itself it does no more once they had a listener.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGUSR1']) process.once(signal, send).off(signal, send);

/** Adds a listener of `process` that counts. */
function listen(signal: SignalName): { count: number; remove: () => void } {
  const heard = { count: 0, remove: () => void process.off(signal, listener) };
  const listener = (): void => {
    heard.count++;
  };
  process.on(signal, listener);
  return heard;
}

test('a listener of process.on that was added before a stream is called during and after it', async () => {
  const heard = listen('SIGUSR2');
  const stream = notify('SIGUSR2');
  const gathered = gather(stream);
  send('SIGUSR2');
  await until(() => heard.count === 1 && gathered.length === 1);
  stream.stop();
  send('SIGUSR2');
  await until(() => heard.count === 2);
  assert.equal(gathered.length, 1);
  heard.remove();
});

test('a listener of process.on may be added and removed while a stream runs', async () => {
  using stream = notify('SIGUSR1');
  const gathered = gather(stream);
  const heard = listen('SIGUSR1');
  send('SIGUSR1'); // at once: nothing is to be late
  await until(() => heard.count === 1 && gathered.length === 1);
  heard.remove();
  send('SIGUSR1');
  await until(() => gathered.length === 2);
  const again = listen('SIGUSR1');
  const more = listen('SIGUSR1');
  again.remove();
  send('SIGUSR1');
  await until(() => more.count === 1 && gathered.length === 3);
  more.remove();
  await aMoment();
  assert.equal(heard.count, 1);
});

test('a listener of process.on is called after the stream has stopped', async () => {
  const stream = notify('SIGUSR2');
  const heard = listen('SIGUSR2');
  await aMoment();
  stream.stop();
  send('SIGUSR2');
  await until(() => heard.count === 1);
  heard.remove();
  needsHandlersToGo();
  assert.equal(signalsOfThisProcess('SigCgt') & (1n << 11n), 0n);
});

test('an ignored signal is ignored again after streams and listeners', async () => {
  needsWordOfListeners();
  ignore('SIGHUP');
  const stream = notify('SIGHUP');
  const gathered = gather(stream);
  const heard = listen('SIGHUP');
  send('SIGHUP');
  await until(() => gathered.length === 1 && heard.count === 1);
  heard.remove(); // libuv puts the default here
  stream.stop();
  assert.equal(ignored('SIGHUP'), true);
  send('SIGHUP');
  const alone = listen('SIGHUP');
  send('SIGHUP');
  await until(() => alone.count === 1);
  alone.remove();
  assert.equal(ignored('SIGHUP'), true);
  reset('SIGHUP');
  assert.equal(ignored('SIGHUP'), false);
});

test('ignore keeps a signal from listeners, and reset gives it back', async () => {
  const heard = listen('SIGUSR2');
  ignore('SIGUSR2');
  send('SIGUSR2');
  await aMoment();
  assert.equal(heard.count, 0);
  reset('SIGUSR2');
  send('SIGUSR2');
  await until(() => heard.count === 1);
  ignore('SIGUSR2');
  const second = listen('SIGUSR2'); // it wants the signal, but is not the first
  second.remove();
  assert.equal(ignored('SIGUSR2'), true);
  reset('SIGUSR2');
  heard.remove();
});

test("a stream for SIGUSR1 keeps Node's debugger closed until it stops", async () => {
  needsDebugger();
  await using program = await startMode('debugger', [], { stderr: 'stdout' });
  assert.equal(await program.line(), 'SIGUSR1');
  assert.match((await program.line()) ?? '', /^Debugger listening on /);
});

for (const signal of ['SIGHUP', 'SIGTERM', 'SIGUSR2'] as const) {
  test(`${signal} has its default action after a listener and a stream`, async () => {
    await using program = await startMode('afterListeners', [signal]);
    const lines = [await program.line(), await program.line(), await program.line()];
    assert.deepEqual(lines.sort(), [signal, 'listener', '{"ignored":false}'].sort());
    assert.equal((await program.child.exited).signal, signal);
  });

  test(`${signal} that was inherited as ignored is ignored after a listener and a stream`, async () => {
    const options = { launcher: true, signals: { ignore: [signal] } };
    await using program = await startMode('afterListeners', [signal], options);
    const lines = [await program.line(), await program.line(), await program.line()];
    assert.deepEqual(lines.sort(), [signal, 'listener', '{"ignored":true}'].sort());
    assert.equal(await program.line(), 'alive');
    assert.equal((await program.child.exited).code, 0);
  });
}

for (const how of ['nothing', 'listener', 'unref']) {
  test(`a stream does not keep the event loop alive: ${how}`, async () => {
    await using program = await startMode('loop', [how]);
    assert.equal(await program.line(), 'running');
    const { code } = await program.child.exited;
    assert.ok(code === 0 || (how === 'unref' && code === 13), `code ${code}`);
  });
}

test('an iteration that waits keeps the event loop alive until the stream ends', async () => {
  await using waiting = await startMode('loop', ['iteration']);
  assert.equal(await waiting.line(), 'running');
  await aMoment();
  waiting.child.kill('SIGUSR2');
  assert.equal(await waiting.line(), 'signal');
  assert.equal((await waiting.child.exited).code, 0);
  await using ended = await startMode('loop', ['reset']);
  assert.deepEqual([await ended.line(), await ended.line()], ['running', 'ended']);
});

test('ref keeps the event loop alive for a listener of a stream', async () => {
  await using program = await startMode('loop', ['ref']);
  assert.equal(await program.line(), 'running');
  await aMoment();
  program.child.kill('SIGUSR2');
  assert.equal((await program.child.exited).code, 0);
});

test('each signal is delivered once to streams and listeners', async () => {
  using stream = notify('SIGINT', 'SIGTERM', 'SIGUSR1');
  const gathered = gather(stream);
  const heard = (['SIGINT', 'SIGTERM', 'SIGUSR1'] as const).map((signal) => listen(signal));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGUSR1'] as const) send(signal);
  await until(() => gathered.length === 3 && heard.every(({ count }) => count === 1));
  await aMoment();
  assert.deepEqual(names(gathered).sort(), ['SIGINT', 'SIGTERM', 'SIGUSR1']);
  for (const { count, remove } of heard) {
    assert.equal(count, 1);
    remove();
  }
});
