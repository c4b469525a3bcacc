// What Go's os/exec promises when a command that is to be stopped can't be: the five cases of
// TestCancelErrors in os/exec/exec_test.go.
//
// Go's Cancel is a function of the caller's, and the cases differ in what it does and returns. Here
// it is the first signal of the stop ladder:
// - "an error" is the kernel's EPERM: the child is another user's, whom this thread may not signal;
// - "ErrProcessDone" is a signal that finds nobody: the process has ended, and this process has not
//   been told yet.
// An error of the signal is the `cause` of the ExitError. A process that ended before it was
// signalled was not stopped: then its status does not say so either.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { type ExitError, type RunOptions, run, spawn } from '#dist/index.js';
import { call } from '#dist/syscall/call.js';
import { CAP, CAP_VERSION } from '#dist/syscall/constants.js';
import { SystemError } from '#dist/syscall/errors.js';
import { asRoot, NOBODY } from '../helpers/identity.js';
import { exitError } from '../helpers/outcome.js';
import { test } from '../helpers/test.js';

/** Takes the right to signal others' processes from this thread while `use` runs. */
async function withoutKill<T>(use: () => Promise<T>): Promise<T> {
  const header = new Uint32Array([CAP_VERSION._LINUX_CAPABILITY_VERSION_3, 0]);
  const sets = new Uint32Array(6); // effective, permitted, inheritable: the low words first
  call('capget', header, sets);
  const before = sets[0] as number;
  sets[0] = before & ~(1 << CAP.CAP_KILL);
  call('capset', header, sets);
  try {
    return await use();
  } finally {
    sets[0] = before;
    call('capset', header, sets);
  }
}

/** Runs a script that this process may not signal, and is to stop. */
function unstoppable(script: string, options: RunOptions): Promise<ExitError> {
  return withoutKill(() =>
    exitError(run('sh', ['-c', script], { credential: NOBODY, cwd: '/', ...options })),
  );
}

/** Waits until a child has ended and was reaped, while this event loop stands still. */
function blockUntilGone(pid: number): void {
  while (readdirSync('/proc').includes(String(pid)));
}

test(
  "TestCancelErrors/success after error: the signal's error is the cause",
  async () => {
    const error = await unstoppable('sleep 0.2', { timeout: 50 });
    assert.equal(error.status.code, 0);
    assert.equal(error.status.reason, 'timeout');
    assert.ok(error.cause instanceof SystemError, String(error.cause));
    assert.equal(error.cause.code, 'EPERM');
  },
  asRoot,
);

test('TestCancelErrors/success after ErrProcessDone: an abort after the end has no effect', async () => {
  const controller = new AbortController();
  const child = await spawn('sleep', ['0.01'], { signal: controller.signal, timeout: 20 });
  blockUntilGone(child.pid);
  controller.abort();
  const status = await child.closed;
  assert.equal(status.code, 0);
  assert.equal(status.reason, 'exited');
});

test('TestCancelErrors/killed after error: the status is that of the end', async () => {
  // The first step kills it; what the others would have done does not matter.
  const steps = [['SIGKILL', 0], ['SIGTERM'], ['SIGKILL']] as const;
  const error = await exitError(run('sleep', ['1000'], { timeout: 10, stop: { steps } }));
  assert.equal(error.status.signal, 'SIGKILL');
  assert.equal(error.status.reason, 'timeout');
  assert.equal(error.cause, undefined);
});

test('TestCancelErrors/killed after spurious ErrProcessDone: another process killed the child first', async () => {
  const controller = new AbortController();
  const child = await spawn('sleep', ['1000'], { signal: controller.signal });
  process.kill(child.pid, 'SIGKILL');
  blockUntilGone(child.pid);
  controller.abort();
  const status = await child.closed;
  assert.equal(status.signal, 'SIGKILL');
  assert.equal(status.reason, 'signaled');
});

test(
  'TestCancelErrors/nonzero exit after error: the code is that of the program',
  async () => {
    const error = await unstoppable('sleep 0.2; exit 1', { timeout: 50 });
    assert.equal(error.status.code, 1);
    assert.match(error.message, /exit status 1/);
  },
  asRoot,
);
