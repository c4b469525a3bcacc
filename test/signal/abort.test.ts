// AbortSignals that signals abort: what os/signal's TestNotifyContext* assert of contexts.

import assert from 'node:assert/strict';
import { spawn } from '#dist/index.js';
import {
  abortOn,
  ignore,
  ignored,
  notify,
  reset,
  SignalError,
  type SignalName,
} from '#dist/signal/index.js';
import { kill } from '#dist/syscall/groups.js';
import { aMoment, gather, signalsOfThisProcess, until } from '../helpers/signals.js';
import { test } from '../helpers/test.js';

const { pid } = process;

function isAborted(signal: AbortSignal): Promise<void> {
  return until(() => signal.aborted, 'aborted');
}

// TestNotifyContextNotifications
for (const count of [1, 10]) {
  test(`the first of ${count} SIGINTs aborts a signal of abortOn, and none ends the process`, async () => {
    using signal = abortOn('SIGINT');
    let times = 0;
    signal.addEventListener('abort', () => times++);
    assert.equal(signal.aborted, false);
    for (let sent = 0; sent < count; sent++) {
      process.kill(pid, 'SIGINT');
      await isAborted(signal);
    }
    await aMoment();
    assert.equal(times, 1);
    const { reason } = signal;
    assert.ok(reason instanceof SignalError && reason instanceof Error);
    assert.equal(String(reason), 'SignalError: interrupt signal received'); // Go's words
    assert.deepEqual(reason.info, {
      signal: 'SIGINT',
      number: 2,
      code: 0,
      pid,
      uid: process.getuid?.(),
      dropped: 0,
    });
    assert.throws(() => signal.throwIfAborted(), reason);
  });
}

// TestNotifyContextStop
test('stop() of abortOn puts back the earlier disposition and does not abort', async () => {
  ignore('SIGHUP');
  const signal = abortOn('SIGHUP');
  assert.equal(ignored('SIGHUP'), false);
  signal.stop();
  assert.equal(ignored('SIGHUP'), true);
  process.kill(pid, 'SIGHUP');
  await aMoment();
  assert.equal(signal.aborted, false);
  assert.equal(signal.reason, undefined);
  reset('SIGHUP');
});

// TestNotifyContextCancelParent, TestNotifyContextPrematureCancelParent: AbortSignal.any
test('AbortSignal.any combines a signal of abortOn with others', async () => {
  for (const premature of [true, false]) {
    const controller = new AbortController();
    if (premature) controller.abort();
    using signal = abortOn('SIGINT');
    const any = AbortSignal.any([controller.signal, signal]);
    if (!premature) controller.abort();
    assert.equal(any.aborted, true);
    assert.equal(any.reason, controller.signal.reason);
    assert.equal(signal.aborted, false);
  }
  using signal = abortOn('SIGINT');
  const any = AbortSignal.any([new AbortController().signal, signal]);
  process.kill(pid, 'SIGINT');
  await isAborted(any);
  assert.equal(any.reason, signal.reason);
});

// TestNotifyContextSimultaneousStop
test('stop() of abortOn may be called several times', () => {
  const before = signalsOfThisProcess('SigCgt');
  const signal = abortOn('SIGINT', 'SIGUSR2');
  for (let times = 0; times < 10; times++) signal.stop();
  signal[Symbol.dispose]();
  assert.equal(signalsOfThisProcess('SigCgt'), before);
});

// TestNotifyContextStringer
test('the reason of abortOn describes the signal in words', async () => {
  const messages = {
    SIGTERM: 'terminated signal received',
    SIGUSR1: 'user defined signal 1 received',
    'SIGRTMIN+5': 'real-time signal 5 received',
  } as const;
  for (const [name, message] of Object.entries(messages)) {
    using signal = abortOn(name as keyof typeof messages);
    kill(pid, name as SignalName);
    await isAborted(signal);
    assert.equal(signal.reason?.message, message);
  }
});

test('a signal of abortOn stops a command', async () => {
  using signal = abortOn('SIGUSR2');
  const child = await spawn('sleep', ['60'], { stdin: 'null', signal });
  process.kill(pid, 'SIGUSR2');
  const status = await child.exited;
  assert.deepEqual([status.reason, status.signal], ['aborted', 'SIGTERM']);
});

test('a stream of notify can abort an AbortController', async () => {
  const controller = new AbortController();
  using stream = notify('SIGUSR2', 'SIGHUP');
  stream.on('signal', ({ signal }) => controller.abort(signal));
  const gathered = gather(stream);
  process.kill(pid, 'SIGHUP');
  await isAborted(controller.signal);
  assert.equal(controller.signal.reason, 'SIGHUP');
  process.kill(pid, 'SIGUSR2');
  await until(() => gathered.length === 2);
  assert.equal(controller.signal.reason, 'SIGHUP');
});

test('abortOn refuses signals that cannot be caught', () => {
  assert.throws(() => abortOn('SIGKILL'), { code: 'ERR_INVALID_ARG_VALUE' });
});
