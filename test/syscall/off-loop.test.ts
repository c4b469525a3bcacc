// syscall(): calls that block, on threads of their own.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { AT, E, MFD, O, SYS } from '#dist/syscall/constants.js';
import { close, pipe2, write } from '#dist/syscall/descriptors.js';
import { rawSyscall, syscall } from '#dist/syscall/raw.js';
import { needsLinux } from '../helpers/backend.js';
import { helper, type State, withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';
import { fixture, runFixture } from './fixtures/run.js';

const POOL_MAX_THREADS = 64; // native/pool.h

async function withPipe(use: (from: number, to: number) => Promise<void>): Promise<void> {
  const [from, to] = pipe2();
  try {
    await use(from, to);
  } finally {
    close(from);
    close(to);
  }
}

test('a blocking read of syscall() holds up neither the event loop nor node:fs', () =>
  withPipe(async (from, to) => {
    needsLinux("The function 'syscall'");
    const buffers = Array.from({ length: POOL_MAX_THREADS }, () => new Uint8Array(1));
    let done = 0;
    const reads = buffers.map(async (bytes) => {
      const result = await syscall(SYS.read, from, bytes, 1);
      done += 1;
      return result;
    });
    let ticks = 0;
    const ticking = setInterval(() => {
      ticks += 1;
    }, 5);
    await Promise.all(Array.from({ length: 16 }, () => stat('/')));
    await sleep(200);
    clearInterval(ticking);
    assert.equal(done, 0);
    assert.ok(ticks > 10, `${ticks} ticks`);
    write(
      to,
      Uint8Array.from({ length: POOL_MAX_THREADS }, (_, index) => index + 1),
    );
    assert.ok((await Promise.all(reads)).every(({ r1, errno }) => r1 === 1n && errno === 0));
    const read = buffers.map(([byte]) => byte as number).sort((a, b) => a - b);
    assert.deepEqual(
      read,
      Array.from({ length: POOL_MAX_THREADS }, (_, index) => index + 1),
    );
  }));

test('calls of syscall() beyond the number of threads wait for one', () =>
  withPipe(async (from, to) => {
    needsLinux("The function 'syscall'");
    const reads = Array.from({ length: POOL_MAX_THREADS + 8 }, () =>
      syscall(SYS.read, from, new Uint8Array(1), 1),
    );
    await sleep(50);
    write(to, new Uint8Array(reads.length));
    assert.ok((await Promise.all(reads)).every(({ r1 }) => r1 === 1n));
  }));

test('syscall() returns the results of rawSyscall', async () => {
  needsLinux("The function 'syscall'");
  assert.deepEqual(await syscall(SYS.getpid), { r1: BigInt(process.pid), errno: 0 });
  assert.deepEqual(await syscall(100_000), { r1: -1n, errno: E.ENOSYS });
  const missing = await syscall(SYS.openat, AT.AT_FDCWD, '/no/such', O.O_RDONLY);
  assert.deepEqual(missing, { r1: -1n, errno: E.ENOENT });
  const { r1: fd } = rawSyscall(SYS.memfd_create, 'far', MFD.MFD_CLOEXEC);
  try {
    const far = 2n ** 62n + 1n;
    assert.deepEqual(await syscall(SYS.lseek, Number(fd), far, 0), { r1: far, errno: 0 });
  } finally {
    close(Number(fd));
  }
});

test('syscall() copies what the kernel wrote into the view and nothing beside it', async () => {
  needsLinux("The function 'syscall'");
  const bytes = new Uint8Array(64);
  const { r1 } = await syscall(SYS.getrandom, new DataView(bytes.buffer, 16, 32), 32, 0);
  assert.equal(r1, 32n);
  assert.ok(bytes.subarray(0, 16).every((byte) => byte === 0));
  assert.ok(bytes.subarray(48).every((byte) => byte === 0));
  assert.ok(new Set(bytes.subarray(16, 48)).size > 8);
  const shared = new Uint8Array(new SharedArrayBuffer(32));
  await syscall(SYS.getrandom, shared, 32, 0);
  assert.ok(new Set(shared).size > 8);
});

test('syscall() leaves a view alone that was transferred during the call', () =>
  withPipe(async (from, to) => {
    needsLinux("The function 'syscall'");
    const bytes = new Uint8Array(1 << 16);
    const reading = syscall(SYS.read, from, bytes, bytes.byteLength);
    const moved = structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
    write(to, Buffer.from('late'));
    assert.deepEqual(await reading, { r1: 4n, errno: 0 });
    assert.equal(bytes.byteLength, 0);
    assert.ok(new Uint8Array(moved).every((byte) => byte === 0));
  }));

test('a Worker ends while a call of syscall() blocks', () =>
  withPipe(async (from, to) => {
    needsLinux("The function 'syscall'");
    const worker = new Worker(fixture('blocked-worker'), { workerData: from });
    await new Promise((resolve) => worker.once('message', resolve));
    await worker.terminate();
    write(to, Buffer.from('released'));
  }));

for (const way of ['raw', 'off-loop'] as const) {
  test(`an array of strings reaches execve as char **, ${way}`, () =>
    withFolder((folder) => {
      const file = join(folder, 'state.json');
      const outcome = runFixture('execve', [way, helper('state'), file]);
      assert.deepEqual(outcome, { code: 0, signal: null, stdout: '', stderr: '' });
      const state = JSON.parse(readFileSync(file, 'utf8')) as State;
      // The null ends the list for whoever reads it.
      assert.deepEqual(state.argv, ['state', file, '', 'ünï', 'x'.repeat(70_000)]);
      assert.deepEqual(state.env, ['A=1', 'B=']);
    }));
}
