// Streams of the web's, given and taken, and descriptors of the caller's.

import assert from 'node:assert/strict';
import { Readable, Writable } from 'node:stream';
import { run, runSync, spawn } from '#dist/index.js';
import { attempt, call, close as closeDescriptor } from '#dist/syscall/call.js';
import { F, O } from '#dist/syscall/constants.js';
import { digest, pattern } from '../helpers/streams.js';
import { test } from '../helpers/test.js';

const MiB = 1024 * 1024;

test('32 MiB pass through web streams of a child and back', async () => {
  const bytes = pattern(32 * MiB);
  const child = await spawn('cat', { stdin: 'pipe', stdout: 'pipe' });
  const writing = new Blob([bytes]).stream().pipeTo(Writable.toWeb(child.stdin));
  const reading = new Response(Readable.toWeb(child.stdout) as ReadableStream).arrayBuffer();
  assert.equal(digest(new Uint8Array(await reading)), digest(bytes));
  await writing;
  assert.equal((await child.closed).ok, true);
});

test('output passes through a web TransformStream into another command', async () => {
  const text = 'line\n'.repeat(100_000);
  const gzip = new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'));
  const { stdout } = await run('gzip', ['-d'], { input: gzip, stripFinalNewline: false });
  assert.ok(stdout === text);
  const packing = await spawn('gzip', ['-c'], { stdin: [text], stdout: 'pipe' });
  const unpacked = (
    Readable.toWeb(packing.stdout) as ReadableStream<Uint8Array<ArrayBuffer>>
  ).pipeThrough(new DecompressionStream('gzip'));
  assert.ok((await run('cat', { input: unpacked, stripFinalNewline: false })).stdout === text);
  assert.equal((await packing.closed).ok, true);
});

test('cancelling a web reader ends the child with SIGPIPE', async () => {
  const child = await spawn('yes', { stdin: 'null', stdout: 'pipe' });
  const reader = (Readable.toWeb(child.stdout) as ReadableStream<Uint8Array>).getReader();
  const { value } = await reader.read();
  assert.ok(value !== undefined && value.length > 0);
  await reader.cancel();
  assert.equal((await child.closed).signal, 'SIGPIPE');
});

/** A pipe of the caller's, of which one end does not block. */
function openPipe(): { read: number; write: number; close: () => void } {
  const pair = new Int32Array(2);
  call('pipe2', pair, 0);
  const [read, write] = pair as unknown as [number, number];
  call('fcntl', write, F.F_SETFL, O.O_NONBLOCK | O.O_WRONLY);
  const close = (): void => {
    for (const fd of pair) closeDescriptor(fd);
  };
  return { read, write, close };
}

const flagsOf = (fd: number): number[] =>
  [F.F_GETFD, F.F_GETFL].map((what) => call('fcntl', fd, what));

test('descriptors of the caller are passed on as they are, and stay so', async () => {
  const { read, write, close } = openPipe();
  try {
    const before = [flagsOf(read), flagsOf(write)];
    const words = ['-c', 'echo hello; echo three >&3'];
    const stdio = { stdin: read, stdout: write, stderr: write, fds: { 3: write } } as const;
    await run('sh', words, stdio);
    runSync('sh', words, stdio);
    const child = await spawn('sh', words, stdio);
    assert.deepEqual([flagsOf(read), flagsOf(write)], before, 'while it runs');
    await child.closed;
    assert.deepEqual([flagsOf(read), flagsOf(write)], before);
    const buffer = Buffer.alloc(1000);
    const length = attempt('read', read, buffer, buffer.length);
    assert.equal(buffer.toString('utf8', 0, length), 'hello\nthree\n'.repeat(3));
  } finally {
    close();
  }
});
