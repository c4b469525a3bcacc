// What must hold however children are reached: by pidfd, or by number where there are none. The
// test of denials runs this file without one after another.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { ExitError, run, runSync, spawn } from '#dist/index.js';
import { type Process, startProcess, startProcessSync } from '#dist/process/index.js';
import { forkExec, forkExecSync, wait4 } from '#dist/syscall.js';
import { endOther, untilEnded } from '../helpers/other.js';
import { processState } from '../helpers/streams.js';
import { children, test } from '../helpers/test.js';
import { knownUsage } from '../helpers/usage.js';

const QUIET = { stdin: 'null', stderr: 'null' } as const;

/** A shell whose child outlives SIGTERM, and the child's number. */
async function withStubborn(options: { session?: boolean; processGroup?: number }) {
  // The number comes once SIGTERM is ignored.
  const script = `sh -c 'trap "" TERM; echo $$; exec sleep 1000' & wait`;
  const child = await spawn('sh', ['-c', script], { ...QUIET, stdout: 'pipe', ...options });
  for await (const line of child.lines()) return { child, pid: Number(line) };
  return assert.fail('it wrote nothing');
}

for (const scope of ['group', 'session', 'tree'] as const) {
  test(`stop with the scope '${scope}' goes on after the process itself has ended`, async () => {
    const own = scope === 'session' ? { session: true } : { processGroup: 0 };
    const { child, pid } = await withStubborn(own);
    if (scope === 'tree') {
      // The child of a shell that has ended is in its tree no more: both at once, then.
      assert.equal(child.kill('SIGKILL', { scope }), true);
    } else {
      const status = await child.stop({ scope, grace: 200 });
      assert.equal(status.signal, 'SIGTERM');
    }
    await child.closed;
    await untilEnded(pid);
    assert.equal(child.kill('SIGKILL', { scope }), false);
    assert.deepEqual(children(), [], 'nothing is left to reap');
  });
}

test('a signal for a group returns false once its last member has ended', async () => {
  const child = await startProcess('/bin/sleep', ['sleep', '1000'], { processGroup: 0 });
  const unpin = (child as unknown as { pin(scope: string): () => void }).pin('group');
  try {
    assert.equal(child.signal('SIGTERM', { scope: 'group' }), true);
    assert.equal((await child.wait()).signal, 'SIGTERM');
    assert.equal(child.signal('SIGTERM', { scope: 'group' }), false);
    assert.equal(child.signal('SIGTERM'), false);
  } finally {
    unpin();
  }
  assert.deepEqual(children(), []);
});

test('a Worker that is terminated while it stops a group leaves nothing to reap', async () => {
  const index = JSON.stringify(import.meta.resolve('#dist/index.js'));
  const code = `
    const { parentPort } = await import('node:worker_threads');
    const { spawn } = await import(${index});
    const script = "sh -c 'trap \\"\\" TERM; echo $$; exec sleep 1000' & wait";
    const child = await spawn('sh', ['-c', script], { stdin: 'null', stdout: 'pipe', processGroup: 0 });
    for await (const line of child.lines()) {
      void child.stop({ scope: 'group', grace: 1e6 });
      await child.exited;
      parentPort.postMessage(Number(line));
    }`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
  const pid = await new Promise<number>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  await worker.terminate();
  await endOther(pid);
});

test('the end of every child is reported, with more children than threads allowed', async () => {
  const starting = Array.from({ length: 300 }, () => startProcess('/bin/sleep', ['sleep', '1000']));
  const all = await Promise.all(starting);
  const [first, second, ...others] = all as [Process, Process, ...Process[]];
  for (const child of [first, second]) {
    assert.equal(child.signal('SIGTERM'), true);
    assert.equal((await child.wait()).signal, 'SIGTERM');
  }
  for (const child of others) assert.equal(child.signal('SIGKILL'), true);
  for (const child of others) assert.equal((await child.wait()).signal, 'SIGKILL');
});

test('the status of a child has its usage and its end', async () => {
  const script = 'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; exit 7';
  for (const child of [
    await startProcess('/bin/sh', ['sh', '-c', script]),
    startProcessSync('/bin/sh', ['sh', '-c', script]),
  ]) {
    const status = await child.wait();
    assert.equal(status.code, 7);
    const usage = knownUsage(status);
    assert.ok(usage.userTime > 0 && usage.wallTime >= usage.userTime / 2, JSON.stringify(usage));
  }
});

test('runSync reads, waits and stops', () => {
  assert.equal(runSync('cat', { input: 'through' }).stdout, 'through');
  assert.throws(
    () => runSync('sleep', ['1000'], { timeout: 50 }),
    (error) => error instanceof ExitError && error.status.reason === 'timeout',
  );
  const script = '(trap "" TERM; exec sleep 1000) & wait';
  const stop = { scope: 'group', grace: 50 } as const;
  assert.throws(
    () => runSync('sh', ['-c', script], { timeout: 50, processGroup: 0, stop }),
    (error) => error instanceof ExitError && error.status.reason === 'timeout',
  );
});

test('forkExec leaves a child to wait4', async () => {
  const argv = ['sh', '-c', 'exit 5'];
  for (const pid of [await forkExec('/bin/sh', argv), forkExecSync('/bin/sh', argv)]) {
    assert.equal((await wait4(pid)).status.exitStatus(), 5);
  }
});

test('a tracee is reported when it has ended, not when it stops', async () => {
  const child = await startProcess('/bin/true', ['true'], { ptrace: true });
  await sleep(50);
  assert.equal(child.status(), undefined);
  assert.equal(processState(child.pid), 't');
  child.signal('SIGKILL');
  assert.equal((await child.wait()).signal, 'SIGKILL');
});

const LAST_PID = '/proc/sys/kernel/ns_last_pid';

/** Why no process can be given a number that was another's, or false. */
function withoutLastPid(): string | false {
  try {
    writeFileSync(LAST_PID, readFileSync(LAST_PID, 'utf8').trim());
    return false;
  } catch (error) {
    return `${LAST_PID} can't be written: ${(error as { code?: string }).code}`;
  }
}

/** Two processes, one after the other, of the same number; undefined when others got it. */
async function twoOfOneNumber(): Promise<[Process, Process] | undefined> {
  const one = await startProcess('/bin/true', ['true']);
  await one.wait();
  await sleep(20); // where the time of its start is in its id, it counts in hundredths
  writeFileSync(LAST_PID, String(one.pid - 1));
  const two = startProcessSync('/bin/sleep', ['sleep', '1000']);
  if (two.pid === one.pid) return [one, two];
  two.signal('SIGKILL');
  await two.wait();
  return undefined;
}

test(
  'a signal for a reaped process does not reach a new process with its pid',
  async (context) => {
    for (let tries = 0; tries < 100; tries++) {
      const two = await twoOfOneNumber();
      if (two === undefined) continue;
      const [old, young] = two;
      const results = [old.signal('SIGKILL'), old.signal('SIGKILL', { scope: 'tree' })];
      assert.equal(young.signal('SIGTERM'), true);
      assert.equal((await young.wait()).signal, 'SIGTERM');
      assert.deepEqual(results, [false, false]);
      assert.notEqual(old.id, young.id);
      return;
    }
    context.skip('others took the number each time');
  },
  { skip: withoutLastPid() },
);

test('50 commands of run at once each return their own exit code', async () => {
  const results = await Promise.all(
    Array.from({ length: 50 }, (_, code) => run('sh', ['-c', `exit ${code}`], { reject: false })),
  );
  for (const [code, { status }] of results.entries()) assert.equal(status.code, code);
});
