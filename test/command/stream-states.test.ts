// Streams in every state: locked, closed, shared by many commands, looked at and not read.

import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { PassThrough, type Readable, Writable } from 'node:stream';
import { runInNewContext } from 'node:vm';
import { command, run, runSync, type Source, spawn } from '#dist/index.js';
import { openDescriptors, test } from '../helpers/test.js';

const QUIET = { stdin: 'null', stderr: 'null' } as const;
const isInvalid = (words: RegExp) => (error: Error & { code?: string }) => {
  assert.equal(error.code, 'ERR_INVALID_ARG_VALUE', String(error));
  assert.match(error.message, words);
  return true;
};

test('a locked web stream is refused before anything starts', async () => {
  const source = new Blob(['x']).stream();
  source.getReader();
  const sink = new WritableStream();
  sink.getWriter();
  await assert.rejects(run('cat', { input: source }), isInvalid(/input must be .* not locked/));
  await assert.rejects(spawn('cat', { stdin: source }), isInvalid(/stdin must be .* not locked/));
  await assert.rejects(run('true', { stdout: sink }), isInvalid(/stdout must be .* not locked/));
  await assert.rejects(run('true', { fds: { 3: source } }), isInvalid(/fds\.3 must be/));
});

test('a web stream that is closed is empty, and one that has failed is the error', async () => {
  const closed = new ReadableStream<string>({ start: (controller) => controller.close() });
  assert.equal((await run('cat', { input: closed })).stdout, '');
  const failed = new ReadableStream<string>({
    start: (controller) => controller.error(new Error('gone')),
  });
  await assert.rejects(run('cat', { input: failed }), { message: 'gone' });
  const ended = new WritableStream();
  await ended.close();
  await assert.rejects(run('yes', { stdout: ended }), /stream that takes the output was closed/);
});

test('one web stream takes stdout and stderr', async () => {
  const chunks: Uint8Array[] = [];
  const sink = new WritableStream<Uint8Array>({ write: (chunk) => void chunks.push(chunk) });
  await run('sh', ['-c', 'echo out; echo err >&2'], { stdout: sink, stderr: sink });
  assert.deepEqual(Buffer.concat(chunks).toString().split('\n').sort(), ['', 'err', 'out']);
  assert.equal(sink.locked, false);
});

test('every kind of bytes is written as the bytes that it has', async () => {
  const bytes = Uint8Array.from([104, 105, 10, 0]);
  const kinds: Source[] = [
    bytes,
    bytes.buffer,
    new Uint16Array(bytes.buffer),
    new DataView(bytes.buffer, 0, 4),
    new Blob([bytes]),
    [bytes, new Uint8Array(bytes.buffer)],
    runInNewContext('Uint8Array.from([104, 105, 10, 0])') as Uint8Array,
    runInNewContext('Uint16Array.from([26984, 10])') as Uint16Array,
    new Response(bytes).body as ReadableStream<Uint8Array>,
  ];
  for (const input of kinds) {
    const { stdout } = await run('cat', { input, encoding: 'buffer' });
    const times = Array.isArray(input) ? 2 : 1;
    assert.deepEqual(
      [...stdout],
      Array(times)
        .fill([...bytes])
        .flat(),
    );
  }
  const sync = [bytes.buffer, new Uint16Array(bytes.buffer), new DataView(bytes.buffer)];
  for (const input of sync) {
    assert.deepEqual([...runSync('cat', { input, encoding: 'buffer' }).stdout], [...bytes]);
  }
});

test('a chunk that is neither text nor bytes is named with its option', async () => {
  const wrong = [
    [1, 2],
    ['a', null],
    ['a', { b: 1 }],
  ] as unknown as Source[];
  for (const input of wrong) {
    await assert.rejects(run('cat', { input }), isInvalid(/^input\[[01]\] must be/));
    await assert.rejects(spawn('cat', { stdin: input }), isInvalid(/^stdin\[[01]\] must be/));
  }
  async function* late(): AsyncGenerator<unknown, void, undefined> {
    yield 'a';
    yield 2;
  }
  const source = () => late() as AsyncGenerator<string>;
  await assert.rejects(run('cat', { input: source() }), isInvalid(/chunk 1 of input must be/));
  const child = await spawn('cat', { ...QUIET, stdin: source(), stdout: 'null' });
  await assert.rejects(child.closed, isInvalid(/chunk 1 of stdin must be/));
  await assert.rejects(
    run('sh', ['-c', 'cat <&3'], { fds: { 3: source() } }),
    isInvalid(/chunk 1 of fds\.3 must be/),
  );
});

test('a stream that is looked at and not read does not keep closed waiting', async () => {
  const before = openDescriptors();
  const paused = await spawn('echo', ['x'], { ...QUIET, stdout: 'pipe' });
  paused.stdout.pause();
  assert.equal((await paused.closed).ok, true);
  const looked = await spawn('sh', ['-c', 'echo x; echo y >&2'], {
    stdout: 'pipe',
    stderr: 'pipe',
  });
  assert.equal(looked.stdout.readable && looked.stderr.readable, true);
  assert.equal((await looked.closed).ok, true);
  const written = await spawn('head', ['-c', '1'], { stdin: 'socket', stdout: 'null' });
  written.stdin.write('x');
  assert.equal((await written.closed).ok, true);
  assert.deepEqual(openDescriptors(), before);
  // What was in them can be read all the same.
  const texts = [paused.stdout, looked.stdout, looked.stderr].map(async (stream: Readable) => {
    return Buffer.concat(await stream.toArray()).toString();
  });
  assert.deepEqual(await Promise.all(texts), ['x\n', 'x\n', 'y\n']);
});

test('a stream that is read after the end keeps closed waiting until it was', async () => {
  const child = await spawn('echo', ['x'], { ...QUIET, stdout: 'pipe' });
  await child.exited;
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  await child.closed;
  assert.equal(text, 'x\n');
});

test('pipes of children that have ended take no descriptors, and can still be read', async () => {
  const before = openDescriptors();
  const options = { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe', fds: { 3: 'socket' } } as const;
  const children = [];
  for (let index = 0; index < 20; index++) {
    const child = await spawn('sh', ['-c', `echo ${index}; echo x >&3`], options);
    if (index % 2 === 0) child.stdout.once('close', () => {}); // asked for, and not read
    await child.exited;
    children.push(child);
  }
  assert.deepEqual(openDescriptors(), before);
  for (const [index, child] of children.entries()) {
    assert.equal(String(Buffer.concat(await child.stdout.toArray())), `${index}\n`);
    const third = child.fds.get(3) as Readable;
    assert.equal(String(Buffer.concat(await third.toArray())), 'x\n');
    await child.closed;
  }
});

test('more commands at once than there are descriptors for fail with the way out, and limitTo is one', async () => {
  const code = `
    const { limitTo, run } = await import(${JSON.stringify(import.meta.resolve('#dist/index.js'))});
    const start = () => run('true');
    const all = await Promise.allSettled(Array.from({ length: 300 }, start));
    const failed = all.filter(({ status }) => status === 'rejected');
    const wrong = failed.filter(({ reason }) => {
      return reason.code !== 'EMFILE' || !/RLIMIT_NOFILE.*limitTo/.test(reason.message);
    });
    const limit = limitTo(10);
    await Promise.all(Array.from({ length: 300 }, () => limit(start)));
    console.log(failed.length > 0, wrong.map(({ reason }) => String(reason)));
  `;
  const words = ['-c', 'ulimit -n 128; exec "$@"', 'sh', process.execPath, '--input-type=module'];
  const { stdout } = await run('sh', [...words, '--eval', code]);
  assert.equal(stdout, 'true []');
});

test('streams and signals that many commands share print no warning', async () => {
  const warnings: Error[] = [];
  const listen = (warning: Error): void => void warnings.push(warning);
  process.on('warning', listen);
  try {
    const sink = new Writable({ write: (_chunk, _encoding, done) => done() });
    const source = new PassThrough();
    const { signal } = new AbortController();
    const listeners = sink.getMaxListeners();
    const commands = Array.from({ length: 15 }, () => {
      return command('sh', ['-c', 'echo x; sleep 0.05'], { stdout: sink, stderr: sink, signal });
    });
    await Promise.all(commands.map((one) => one.run({ input: source })));
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(warnings.map(String), []);
    assert.deepEqual([sink.getMaxListeners(), source.getMaxListeners()], [listeners, listeners]);
    assert.equal(sink.listenerCount('error') + source.listenerCount('error'), 0);
  } finally {
    process.off('warning', listen);
  }
});

test('a source that is process.stdin lets the program end with the child', async () => {
  const code = `
    const { run, spawn } = await import(${JSON.stringify(import.meta.resolve('#dist/index.js'))});
    await run('true', { input: process.stdin });
    await (await spawn('true', { stdin: process.stdin })).closed;
    console.log('over');
  `;
  const words = ['--input-type=module', '--eval', code];
  // Its stdin stays open: a runtime that reads it does not end.
  const child = await spawn(process.execPath, words, { stdin: 'pipe', stdout: 'pipe' });
  const lines: string[] = [];
  for await (const line of child.lines()) lines.push(line);
  assert.deepEqual([lines, (await child.closed).code], [['over'], 0]);
});

test('listeners of streams run in the AsyncLocalStorage of the launch', async () => {
  const storage = new AsyncLocalStorage<string>();
  const seen: Record<string, string | undefined> = {};
  const note = (name: string) => () => {
    seen[name] = storage.getStore();
  };
  const child = await storage.run('launch', async () => {
    const child = await spawn('cat', { stdin: 'pipe', stdout: 'pipe' });
    child.stdout.on('data', note('data')).on('end', note('end')).on('close', note('close'));
    child.stdin.on('close', note('stdin'));
    return child;
  });
  await new Promise<void>((resolve) => {
    child.stdin.write('x'.repeat(1_000_000), () => {
      note('write')();
      child.stdin.end();
      resolve();
    });
  });
  await child.closed;
  if (!child.stdout.closed) await new Promise((resolve) => child.stdout.once('close', resolve));
  assert.deepEqual(seen, {
    data: 'launch',
    write: 'launch',
    end: 'launch',
    stdin: 'launch',
    close: 'launch',
  });
});
