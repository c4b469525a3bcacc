import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Duplex, Readable, Writable } from 'node:stream';
import { run, spawn } from '#dist/index.js';
import { collect, digest, pattern, processState, text, until } from '../helpers/streams.js';
import { test } from '../helpers/test.js';

const BIG = 64 * 1024 * 1024;
const QUIET = { stdin: 'null', stdout: 'null', stderr: 'null' } as const;

test("'pipe' makes a stream, and the others are null", async () => {
  await using child = await spawn('sh', ['-c', 'cat; echo error >&2'], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  child.stdin.end('hello');
  assert.equal(await text(child.stdout), 'hello');
  assert.equal(await text(child.stderr), 'error\n');
  assert.equal((await child.closed).code, 0);
  assert.equal(child.stdout, child.stdout, 'always the same');
  await using other = await spawn('true', QUIET);
  assert.deepEqual(
    [other.stdin, other.stdout, other.stderr, other.fds.size],
    [null, null, null, 0],
  );
  await other.exited;
});

test('64 MiB pass through unchanged, in both directions at once', async () => {
  const bytes = pattern(BIG);
  await using child = await spawn('cat', { stdin: 'pipe', stdout: 'pipe' });
  const reading = collect(child.stdout);
  child.stdin.end(bytes);
  const output = await reading;
  assert.equal(output.length, BIG);
  assert.equal(digest(output), digest(bytes));
  assert.equal((await child.closed).code, 0);
});

test('many small writes arrive in order', async () => {
  await using child = await spawn('cat', { stdin: 'pipe', stdout: 'pipe' });
  const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index}\n`);
  const reading = text(child.stdout);
  for (const line of lines) child.stdin.write(line);
  child.stdin.end();
  assert.equal(await reading, lines.join(''));
});

test('a child whose output is not read is blocked', async () => {
  const size = 10_000_000;
  await using child = await spawn('head', ['-c', `${size}`, '/dev/zero'], { stdout: 'pipe' });
  const { stdout } = child;
  const written = (): number => {
    const io = readFileSync(`/proc/${child.pid}/io`, 'utf8');
    return Number(/^wchar: (\d+)$/m.exec(io)?.[1]);
  };
  await until('it has filled the pipe', () => processState(child.pid) === 'S' && written() > 0);
  const first = await new Promise<Buffer>((resolve) => {
    stdout.once('data', (data: Buffer) => {
      stdout.pause();
      resolve(data);
    });
  });
  assert.ok(first.length > 0);
  let before = -1;
  await until('it has filled it again', () => {
    const now = written();
    const same = now === before && processState(child.pid) === 'S';
    before = now;
    return same;
  });
  assert.ok(written() < size / 10, `${written()} bytes were taken although nobody wants them`);
  assert.equal(child.process.status(), undefined);
  assert.equal(first.length + (await collect(stdout)).length, size);
});

test('write() returns false when the pipe is full, and drain is emitted later', async () => {
  const go = { stdin: 'pipe', stdout: 'pipe', fds: { 3: 'socket' } } as const;
  await using child = await spawn('sh', ['-c', 'read line <&3; cat'], go);
  const { stdin } = child;
  const bytes = pattern(1_000_000);
  assert.equal(stdin.write(bytes), false);
  let drained = false;
  stdin.once('drain', () => {
    drained = true;
  });
  await until('sh waits for its line', () => processState(child.pid) === 'S');
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(drained, false);
  (child.fds.get(3) as Duplex).write('\n');
  const reading = collect(child.stdout);
  await until('it was drained', () => drained);
  stdin.end('end');
  assert.equal(digest(await reading), digest(Buffer.concat([bytes, Buffer.from('end')])));
});

test('a child that does not read its input is not an error', async () => {
  for (const program of ['true', 'sleep 0.05', 'head -c 1', 'exec <&-; sleep 0.05']) {
    await using child = await spawn('sh', ['-c', program], { ...QUIET, stdin: 'pipe' });
    const { stdin } = child;
    const errors: Error[] = [];
    stdin.on('error', (error) => errors.push(error));
    const finished = new Promise((resolve) => stdin.once('finish', resolve));
    stdin.write(Buffer.alloc(1_000_000));
    stdin.end('more');
    await finished;
    assert.ok((await child.closed).ok);
    stdin.write('after the end'); // an error of the stream's own, not a crash
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(
      errors.every((error) => 'code' in error && error.code === 'ERR_STREAM_WRITE_AFTER_END'),
    );
  }
});

test('output that was written before the exit can be read long afterwards', async () => {
  await using child = await spawn('sh', ['-c', 'head -c 60000 /dev/zero; echo x >&2'], {
    stdout: 'pipe',
    stderr: 'pipe',
  });
  assert.equal((await child.exited).code, 0);
  await until('it is gone', () => processState(child.pid) === '');
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  const { stdout, stderr } = child;
  assert.equal((await collect(stdout)).length, 60_000);
  assert.equal(await text(stderr), 'x\n');
  await child.closed;
});

test('pipes can be opened as /dev/stdin, /dev/stdout and /dev/stderr', async () => {
  const script = 'cat /dev/stdin > /dev/stdout; echo error > /dev/stderr; echo more >> /dev/stdout';
  const { stdout, stderr } = await run('sh', ['-c', script], { input: 'in\n' });
  assert.deepEqual([stdout, stderr], ['in\nmore', 'error']);
});

test("stderr 'stdout' keeps the order of writes", async () => {
  const script = 'for i in 1 2 3 4 5; do echo out $i; echo error $i >&2; done';
  const expected = [1, 2, 3, 4, 5].map((i) => `out ${i}\nerror ${i}\n`).join('');
  await using child = await spawn('sh', ['-c', script], { stdout: 'pipe', stderr: 'stdout' });
  assert.equal(child.stderr, null);
  assert.equal(await text(child.stdout), expected);
  const { stdout, stderr } = await run('sh', ['-c', script], { stderr: 'stdout' });
  assert.deepEqual([stdout, stderr], [expected.trimEnd(), '']);
});

test("'socket' is a stream in both directions that can be closed separately", async () => {
  await using child = await spawn('sh', ['-c', 'cat <&3 >&3; echo end >&3'], {
    ...QUIET,
    fds: { 3: 'socket' },
  });
  const socket = child.fds.get(3);
  assert.ok(socket instanceof Duplex);
  assert.deepEqual([...child.fds.keys()], [3]);
  const bytes = pattern(1_000_000);
  const reading = collect(socket);
  socket.end(bytes);
  const output = await reading;
  assert.equal(digest(output.subarray(0, bytes.length)), digest(bytes));
  assert.equal(output.subarray(bytes.length).toString(), 'end\n');
  assert.ok((await child.closed).ok);
});

test('stdin, stdout and stderr can be sockets', async () => {
  await using child = await spawn('sh', ['-c', 'cat; echo error >&2'], {
    stdin: 'socket',
    stdout: 'socket',
    stderr: 'socket',
  });
  child.stdin.end('hello');
  assert.equal(await text(child.stdout), 'hello');
  assert.equal(await text(child.stderr), 'error\n');
});

test('fds are pipes that the child writes', async () => {
  await using child = await spawn('sh', ['-c', 'echo three >&3; echo nine >&9'], {
    ...QUIET,
    fds: { 3: 'pipe', 9: 'pipe', 5: 'null' },
  });
  assert.deepEqual([...child.fds.keys()].sort(), [3, 9]);
  const outputs = [3, 9].map((fd) => text(child.fds.get(fd) as Readable));
  assert.deepEqual(await Promise.all(outputs), ['three\n', 'nine\n']);
  await child.closed;
});

async function* generated(): AsyncGenerator<string | Uint8Array> {
  yield 'ab';
  yield Buffer.from('cd');
}

test('bytes, streams and iterables are written to stdin', async () => {
  for (const stdin of [
    Buffer.from('abcd'),
    Readable.from(['ab', 'cd']),
    new Blob(['abcd']).stream() as ReadableStream<Uint8Array>,
    generated(),
    ['ab', 'cd'],
  ]) {
    const { stdout } = await run('cat', { stdin });
    assert.equal(stdout, 'abcd');
  }
});

test('a stream given as stdout receives all output and is not ended', async () => {
  const chunks: Buffer[] = [];
  const sink = new Writable({
    write(chunk, _encoding, callback) {
      chunks.push(chunk as Buffer);
      setImmediate(callback);
    },
  });
  for (const word of ['one', 'two']) await run('echo', [word], { stdout: sink });
  assert.equal(Buffer.concat(chunks).toString(), 'one\ntwo\n');
  const web: Uint8Array[] = [];
  const webSink = new WritableStream<Uint8Array>({ write: (chunk) => void web.push(chunk) });
  await run('sh', ['-c', 'echo three >&2'], { stderr: webSink });
  assert.equal(Buffer.concat(web).toString(), 'three\n');
});

test('a child that writes fast does not block the event loop', async () => {
  await using child = await spawn('cat', ['/dev/zero'], { stdout: 'pipe' });
  const { stdout } = child;
  let [received, longest, sinceTurn] = [0, 0, 0];
  let running = true;
  const turn = (): void => {
    longest = Math.max(longest, sinceTurn);
    sinceTurn = 0;
    if (running) setImmediate(turn);
  };
  turn();
  await new Promise<void>((resolve) => {
    stdout.on('data', (data: Buffer) => {
      received += data.length;
      sinceTurn += data.length;
      const begun = performance.now();
      while (performance.now() - begun < 0.5); // as long as it takes cat to fill the pipe again
      if (received > BIG / 2) resolve();
    });
  });
  running = false;
  turn();
  stdout.destroy();
  assert.ok(longest < BIG / 8, `${longest} bytes were read in one turn of the loop`);
});
