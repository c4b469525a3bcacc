// What Go's os/exec promises of waiting for a command that is interrupted: the seven cases of
// TestWaitInterrupt in os/exec/exec_test.go. Those of TestCancelErrors are in go-cancel.test.ts.
//
// What is what:
// - a context is an AbortSignal, and to cancel it is to abort;
// - Cmd.Cancel is the first step of the stop ladder;
// - Cmd.WaitDelay is two options. As the time from the interruption to the kill it is `stop.grace`;
//   as the time from the exit to the end of the pipes it is `waitDelay`;
// - where Go has either the status or the context's error, an ExitError has both: how the process
//   ended is in `status.code` and `status.signal`, why in `status.reason`, and what abort() was given
//   in `cause`;
// - ErrWaitDelay is `status.held`, which names the streams and who holds them, and no error.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ExitError, type ExitStatus, type RunOptions, run } from '#dist/index.js';
import { test } from '../helpers/test.js';

/** Does something, says so, and hangs. */
const hangAfter = (first: string): string => `${first} echo $$ >&3; while :; do sleep 0.01; done`;

/** A process that holds stderr and writes to it until it is cut off. */
const PROBES = '(while :; do echo probe >&2; sleep 0.01; done) >/dev/null 3>&- & ';

const TOO_LONG = 60_000;

/** Runs a script; calls `then` with its pid once it is ready. */
function runUntilReady(script: string, options: RunOptions, then: (pid: number) => void) {
  const ready = new WritableStream<Uint8Array>({ write: (line) => then(Number(String(line))) });
  return run('sh', ['-c', script], {
    fds: { 3: ready },
    ...options,
  });
}

/** Runs a script that is aborted as soon as it is ready. */
async function abortedWith(
  options: RunOptions,
  script: string,
): Promise<{ error: ExitError; status: ExitStatus; reason: Error }> {
  const reason = new Error('not needed any more');
  const controller = new AbortController();
  const { signal } = controller;
  const running = runUntilReady(script, { signal, ...options }, () => controller.abort(reason));
  const error = await running.catch((failure: unknown) => failure);
  assert.ok(error instanceof ExitError, String(error));
  assert.equal(error.status.reason, 'aborted');
  assert.equal(error.cause, reason);
  return { error, status: error.status, reason };
}

/** Waits until those who held a pipe have ended, which they do when it is cut off. */
async function endOfHolders({ held }: ExitStatus): Promise<void> {
  const pids = held.flatMap((stream) => stream.pids).map(String);
  while (readdirSync('/proc').some((entry) => pids.includes(entry))) await sleep(5);
}

test('TestWaitInterrupt/Wait: a child that ends on its own is not interrupted', async () => {
  const { status } = await run('sleep', ['0.01']);
  assert.equal(status.code, 0);
  assert.equal(status.reason, 'exited');
});

test('TestWaitInterrupt/WaitDelay: a child that handles the signal ends when it wants to', async () => {
  // Go: a context that is cancelled while Cancel is nil. Here a command without `signal`.
  const script = hangAfter("trap 'exit 0' INT;");
  const { status } = await runUntilReady(script, { waitDelay: TOO_LONG }, (pid) => {
    process.kill(pid, 'SIGINT');
  });
  assert.equal(status.code, 0);
  assert.equal(status.reason, 'exited');
});

test('TestWaitInterrupt/SIGKILL-hang: a child is killed while a grandchild holds a pipe', async () => {
  const stop = { scope: 'process', steps: [['SIGKILL']] } as const;
  const { status } = await abortedWith({ stop, waitDelay: 10 }, hangAfter(PROBES));
  assert.equal(status.signal, 'SIGKILL');
  assert.ok(status.held.some(({ stream }) => stream === 'stderr'));
  await endOfHolders(status);
});

test('TestWaitInterrupt/Exit-hang: a child exits with 0 while a grandchild holds a pipe', async () => {
  // Nothing failed, so that this is a result; Go's ErrWaitDelay is in it.
  const { status } = await run('sh', ['-c', `${PROBES} sleep 0.05`], { waitDelay: 10 });
  assert.equal(status.code, 0);
  assert.deepEqual(
    status.held.map(({ stream }) => stream),
    ['stderr'],
  );
  assert.ok((status.held[0]?.pids.length ?? 0) > 0);
  await endOfHolders(status);
});

test('TestWaitInterrupt/SIGINT-ignored: a child is killed after the grace period', async () => {
  const options: RunOptions = { stop: { signal: 'SIGINT', grace: 10 }, waitDelay: TOO_LONG };
  const { status } = await abortedWith(options, hangAfter("trap '' INT;"));
  assert.equal(status.signal, 'SIGKILL');
});

test('TestWaitInterrupt/SIGINT-handled: a child that exits with 0 after an abort was aborted', async () => {
  const options: RunOptions = {
    stop: { signal: 'SIGINT', grace: TOO_LONG, scope: 'process' },
  };
  const { status } = await abortedWith(options, hangAfter("trap 'exit 0' INT;"));
  assert.equal(status.code, 0);
});

test('TestWaitInterrupt/SIGQUIT: a child that handles SIGQUIT ends with its own code', async () => {
  const options: RunOptions = {
    stop: { signal: 'SIGQUIT', grace: TOO_LONG, scope: 'process' },
  };
  const trap = "trap 'echo goroutine 1 >&2; exit 2' QUIT;";
  const { error, status } = await abortedWith(options, hangAfter(trap));
  assert.equal(status.code, 2);
  assert.equal(error.stderr, 'goroutine 1');
});
