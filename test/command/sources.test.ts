// What a child reads from: every kind of source, to the last byte and no further than it reads.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { run, type Source, spawn } from '#dist/index.js';
import { withFolder } from '../helpers/state.js';
import { openDescriptors, test } from '../helpers/test.js';

const MiB = 1024 * 1024;
const block = randomBytes(32 * MiB);
/** Of no size that a pipe, a page or a stream has by itself. */
const CHUNK = 77_777;

function* chunks(): Generator<Uint8Array, void, undefined> {
  for (let at = 0; at < block.length; at += CHUNK) yield block.subarray(at, at + CHUNK);
}

async function* asynchronously(): AsyncGenerator<Uint8Array, void, undefined> {
  for (const chunk of chunks()) {
    yield chunk;
    if (chunk.byteOffset % 16 === 0) await sleep(0);
  }
}

function webStream(): ReadableStream<Uint8Array> {
  const iterator = chunks();
  return new ReadableStream({
    pull(controller) {
      const { value, done } = iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Every kind of source, each with the bytes of `block`. */
const kinds: Record<string, () => Source> = {
  'bytes at once': () => block,
  'a generator': chunks,
  'an async generator': asynchronously,
  'a Node stream': () => Readable.from(chunks(), { objectMode: false }),
  'a Node stream in object mode': () => Readable.from(chunks()),
  'a web stream': webStream,
};

for (const [kind, source] of Object.entries(kinds)) {
  test(`32 MiB from ${kind} arrive byte by byte`, async () => {
    const { stdout } = await run('cat', { input: source(), encoding: 'buffer' });
    assert.equal(stdout.length, block.length);
    assert.equal(digest(stdout), digest(block));
  });
}

test('32 MiB from a file stream arrive as stdin of spawn', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'block');
    writeFileSync(file, block);
    await using child = await spawn('sha256sum', {
      stdin: createReadStream(file),
      stdout: 'pipe',
    });
    const lines: string[] = [];
    for await (const line of child.lines()) lines.push(line);
    assert.deepEqual(lines, [`${digest(block)}  -`]);
    assert.equal((await child.closed).ok, true);
  }));

test('strings are written as UTF-8', async () => {
  const words = ['å', '\u{1F600}', '', 'end'];
  for (const input of [words, Readable.from(words), new Blob(words).stream()]) {
    assert.equal((await run('cat', { input })).stdout, words.join(''));
  }
});

test('sources can be given for descriptors above 2', async () => {
  const script = 'cat; cat <&3; cat <&4';
  const { stdout } = await run('sh', ['-c', script], {
    input: 'one ',
    fds: { 3: Buffer.from('two '), 4: Readable.from(['three']) },
  });
  assert.equal(stdout, 'one two three');
});

test('an empty source is an immediate end of file', async () => {
  for (const input of ['', new Uint8Array(), [], Readable.from([]), new Blob([]).stream()]) {
    assert.equal((await run('wc', ['-c'], { input })).stdout, '0');
  }
});

/** Counts up for ever; says how far it was asked. */
function endless(): { source: Generator<string, void, undefined>; given: () => number } {
  let given = 0;
  function* count(): Generator<string, void, undefined> {
    for (;;) yield `${given++}\n`.padStart(64, '0');
  }
  return { source: count(), given: () => given };
}

test('a child that reads one byte of an endless source ends and releases the source', async () => {
  const { source, given } = endless();
  const { stdout, status } = await run('head', ['-c', '1'], { input: source });
  assert.equal(stdout, '0');
  assert.equal(status.ok, true);
  const asked = given();
  // No more than what a pipe holds, and the child's own reading, could be on its way.
  assert.ok(asked * 64 < MiB, `${asked} lines were pulled`);
  await sleep(20);
  assert.equal(given(), asked, 'it is pulled no more');
});

test('the rest of a Node stream can be read after the child has ended', async () => {
  const source = Readable.from(chunks());
  const { stdout } = await run('head', ['-c', '1'], { input: source, encoding: 'buffer' });
  assert.deepEqual([...stdout], [block[0]]);
  assert.equal(source.destroyed, false);
  const rest: Uint8Array[] = [];
  for await (const chunk of source) rest.push(chunk as Uint8Array);
  const unread = Buffer.concat(rest);
  assert.ok(unread.length > block.length - 4 * MiB, `only ${unread.length} bytes are left`);
  // Nothing in the middle is lost: it is the end of the block, from what the pipe had not taken on.
  assert.ok(block.subarray(block.length - unread.length).equals(unread));
});

test('the rest of a web stream can be read after the child has ended', async () => {
  const source = webStream();
  await run('head', ['-c', '1'], { input: source });
  assert.equal(source.locked, false);
  const rest: Uint8Array[] = [];
  for await (const chunk of source) rest.push(chunk);
  const unread = Buffer.concat(rest);
  assert.ok(unread.length > block.length - 4 * MiB, `only ${unread.length} bytes are left`);
  assert.ok(block.subarray(block.length - unread.length).equals(unread));
});

test('several children in turn read from one stream', async () => {
  const source = new PassThrough();
  source.write('first\n');
  assert.equal((await run('head', ['-n', '1'], { input: source })).stdout, 'first');
  source.write('second\n');
  assert.equal((await run('head', ['-n', '1'], { input: source })).stdout, 'second');
  source.end('third\n');
  assert.equal((await run('cat', { input: source })).stdout, 'third');
});

test('a source without data does not delay the end of a child', async () => {
  const source = new PassThrough();
  const { status } = await run('true', { input: source });
  assert.equal(status.ok, true);
  assert.equal(source.destroyed, false);
  // What comes later is not lost either.
  source.end('late');
  await once(source, 'readable');
  assert.equal(String(source.read()), 'late');
});

test('an error of a source rejects, and the child reads end of file', async () => {
  const broken = (): never => {
    throw new Error('the disk is gone');
  };
  async function* half(): AsyncGenerator<string, void, undefined> {
    yield 'a';
    broken();
  }
  const failing = (): Source[] => [
    half(),
    Readable.from(half()),
    new ReadableStream({ pull: broken }),
    new Readable({ read: () => broken() }),
  ];
  for (const input of failing()) {
    await assert.rejects(run('cat', { input }), { message: 'the disk is gone' });
  }
});

test('stdin of a child that has ended is destroyed, and writing to it is no error', async () => {
  await using child = await spawn('head', ['-c', '1'], { stdin: 'pipe', stdout: 'null' });
  const { stdin } = child;
  const closed = once(stdin, 'close');
  stdin.write('x');
  assert.equal((await child.exited).ok, true);
  for (let index = 0; index < 20; index++) stdin.write(block.subarray(0, MiB));
  await closed;
  assert.deepEqual([stdin.destroyed, stdin.writable, stdin.errored], [true, false, null]);
  stdin.end();
  assert.equal((await child.closed).ok, true);
});

for (const kind of ['pipe', 'socket'] as const) {
  test(`a source that is piped to the ${kind} of a child that has ended stops`, async () => {
    const yes = await spawn('yes', { stdin: 'null', stdout: 'pipe' });
    const head = await spawn('head', ['-n', '1'], { stdin: kind, stdout: 'null' });
    await assert.rejects(pipeline(yes.stdout, head.stdin), (error: Error & { code: string }) => {
      return error.code === 'EPIPE' || error.code === 'ERR_STREAM_PREMATURE_CLOSE';
    });
    assert.equal((await head.closed).ok, true);
    assert.equal((await yes.closed).signal, 'SIGPIPE');
    assert.equal(head.stdin.writable, false);
  });

  test(`a source that gives nothing is let go by the ${kind} of a child that has ended`, async () => {
    const child = await spawn('true', { stdin: kind, stdout: 'null' });
    await assert.rejects(pipeline(new PassThrough(), child.stdin), {
      code: 'ERR_STREAM_PREMATURE_CLOSE',
    });
    assert.equal((await child.closed).ok, true);
  });

  test(`stdin that is a ${kind} and is asked for after the end takes nothing`, async () => {
    const child = await spawn('true', { stdin: kind, stdout: 'null' });
    await child.exited;
    const { stdin } = child;
    if (!stdin.destroyed) await once(stdin, 'close');
    assert.equal(stdin.writable, false);
    await child.closed;
  });
}

test('stdin applies back-pressure', async () => {
  await using child = await spawn('sleep', ['1000'], { stdin: 'pipe', stdout: 'null' });
  const { stdin } = child;
  let taken = 0;
  while (stdin.write(block.subarray(0, CHUNK))) taken += CHUNK;
  await sleep(20);
  assert.equal(stdin.writableNeedDrain, true);
  assert.ok(taken < MiB, `${taken} bytes were taken`);
});

test('a stdin that was not ended is closed when it is garbage-collected', async () => {
  const before = openDescriptors();
  const child = await spawn('head', ['-c', '1'], { stdin: 'pipe', stdout: 'null' });
  child.stdin.write('x');
  assert.equal((await child.closed).ok, true);
  while (openDescriptors().length > before.length) await sleep(1);
  child.stdin.write('more');
});
