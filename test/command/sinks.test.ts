// Where a child's output goes: every kind of sink, no faster than it takes it.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ExitError, run, type Sink, spawn } from '#dist/index.js';
import { patience } from '../helpers/patience.js';
import { withFolder } from '../helpers/state.js';
import { openDescriptors, test } from '../helpers/test.js';

const MiB = 1024 * 1024;
/** 32 MiB that are the same every time, and whose order shows. */
const MANY = ['-c', 'seq 1 6000000 | head -c 33554432'];

/** What MANY writes, digested. */
async function expectedDigest(): Promise<string> {
  return (await run('sh', ['-c', `${MANY[1]} | sha256sum`])).stdout.split(' ')[0] ?? '';
}

/** Digests what it is given; each write takes a turn of the event loop. */
function digester(): { hash: ReturnType<typeof createHash>; write(bytes: Uint8Array): void } {
  const hash = createHash('sha256');
  return { hash, write: (bytes) => void hash.update(bytes) };
}

test('32 MiB go into a Node stream in order', async () => {
  const { hash, write } = digester();
  const sink = new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      write(chunk);
      setImmediate(done);
    },
  });
  const { stdout } = await run('sh', MANY, { stdout: sink });
  assert.equal(stdout, '', 'what goes elsewhere is not collected');
  assert.equal(hash.digest('hex'), await expectedDigest());
  assert.equal(sink.writableEnded, false, 'others may write to it too');
});

test('32 MiB go into a web stream in order', async () => {
  const { hash, write } = digester();
  const sink = new WritableStream<Uint8Array>({ write });
  await run('sh', MANY, { stdout: sink });
  assert.equal(hash.digest('hex'), await expectedDigest());
  assert.equal(sink.locked, false);
  await sink.close();
});

test('stdout and stderr go into one stream, which stays open', async () => {
  const sink = new PassThrough();
  const script = 'echo out; echo err >&2';
  const child = await spawn('sh', ['-c', script], { stdin: 'null', stdout: sink, stderr: sink });
  assert.equal((await child.closed).ok, true);
  sink.end('own\n');
  const lines = String(await sink.toArray()).split(/[\n,]+/);
  assert.deepEqual(lines.filter(Boolean).sort(), ['err', 'out', 'own']);
});

test('a file stream receives output and is ended by its owner', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'out');
    const sink = createWriteStream(file);
    await run('echo', ['one'], { stdout: sink });
    await run('echo', ['two'], { stdout: sink });
    sink.end();
    await once(sink, 'close');
    assert.equal(readFileSync(file, 'utf8'), 'one\ntwo\n');
  }));

test('a sink can be given for a descriptor above 2', async () => {
  const sink = new PassThrough();
  await run('sh', ['-c', 'echo three >&3'], { fds: { 3: sink } });
  assert.equal(String(sink.read()), 'three\n');
});

/** Takes nothing until it is let to. */
function stuck(): { sink: Sink; taken: () => number; release: () => void } {
  let taken = 0;
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const sink = new Writable({
    highWaterMark: 1024,
    write(chunk: Uint8Array, _encoding, done) {
      taken += chunk.length;
      void released.then(() => done());
    },
  });
  return { sink, taken: () => taken, release };
}

test('a sink that accepts nothing blocks the child', async () => {
  const { sink, taken, release } = stuck();
  const child = await spawn('head', ['-c', `${8 * MiB}`, '/dev/zero'], { stdout: sink });
  await sleep(50);
  assert.equal(child.process.status(), undefined, 'it has not been able to write all');
  assert.ok(taken() <= MiB, `${taken()} bytes were taken`);
  release();
  assert.equal((await child.closed).ok, true);
  assert.equal(taken(), 8 * MiB);
});

test('an unread stream blocks the child until it is read', async () => {
  const child = await spawn('sh', ['-c', 'head -c 8388608 /dev/zero; echo done >&2'], {
    stdin: 'null',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const { stdout } = child;
  await sleep(50);
  assert.equal(child.process.status(), undefined);
  let size = 0;
  for await (const chunk of stdout) size += (chunk as Uint8Array).length;
  assert.equal(size, 8 * MiB);
  const lines: string[] = [];
  for await (const line of child.lines({ from: 'stderr' })) lines.push(line);
  assert.deepEqual(lines, ['done']);
  await child.closed;
});

test('unread pipes are closed when the Child is garbage-collected', async () => {
  const bun = (globalThis as { Bun?: { gc(now: boolean): void } }).Bun;
  if (bun === undefined) setFlagsFromString('--expose-gc');
  const collect = bun ? () => bun.gc(true) : (runInNewContext('gc') as () => void);
  const before = openDescriptors().length;
  // In a function of its own, so that none of them is in a variable afterwards.
  const runSome = async (): Promise<void> => {
    const children = Array.from({ length: 20 }, () => spawn('echo', ['x'], { stdout: 'pipe' }));
    for (const { closed } of await Promise.all(children)) await closed;
  };
  await runSome();
  const deadline = Date.now() + patience(5000);
  while (openDescriptors().length > before && Date.now() < deadline) {
    collect();
    await sleep(10);
  }
  assert.equal(openDescriptors().length, before);
});

/** Every kind of sink, each failing after some bytes. */
const failing: Record<string, () => Sink> = {
  'a Node stream whose write fails': () => {
    return new Writable({ write: (_chunk, _encoding, done) => done(new Error('full')) });
  },
  'a Node stream whose write throws': () => {
    return new Writable({
      write() {
        throw new Error('full');
      },
    });
  },
  'a web stream': () => {
    return new WritableStream({
      write() {
        throw new Error('full');
      },
    });
  },
};

for (const [kind, sink] of Object.entries(failing)) {
  test(`a sink that fails ends the child by SIGPIPE, and is the error: ${kind}`, async () => {
    const child = await spawn('yes', { stdin: 'null', stdout: sink() });
    await assert.rejects(child.closed, { message: 'full' });
    assert.equal((await child.exited).signal, 'SIGPIPE');
    await assert.rejects(run('yes', { stdout: sink() }), (error: Error) => {
      return error.message === 'full' || error instanceof ExitError;
    });
  });
}

test('a sink that has already ended is an error', async () => {
  const sink = new PassThrough();
  sink.end();
  await assert.rejects(run('yes', { stdout: sink }), /stream that takes the output was closed/);
});

test('destroying a reader ends the child with SIGPIPE', async () => {
  const child = await spawn('yes', { stdin: 'null', stdout: 'pipe' });
  for await (const chunk of child.stdout) {
    assert.ok((chunk as Uint8Array).length > 0);
    break;
  }
  const status = await child.closed;
  assert.equal(status.signal, 'SIGPIPE');
});
