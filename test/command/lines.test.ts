import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { LineSplitter, splitLines } from '#dist/command/lines.js';
import { run, runSync, spawn } from '#dist/index.js';
import { test } from '../helpers/test.js';

/** Collects what an iterable gives. */
async function all(lines: AsyncIterable<string>): Promise<string[]> {
  const collected: string[] = [];
  for await (const line of lines) collected.push(line);
  return collected;
}

/** Text, and where it is cut. */
const cutText = fc
  .array(
    fc.constantFrom('\n', '\r\n', '\r', 'a', 'ä', '€', '\u{1F600}', ' ', '\u2028', '\ufeff', '\0'),
    { maxLength: 60 },
  )
  .map((pieces) => Buffer.from(pieces.join('')))
  .chain((bytes) => {
    const cuts = fc.array(fc.nat(bytes.length), { maxLength: 12 });
    return cuts.map((at) => ({ bytes, cuts: [0, ...at.sort((a, b) => a - b), bytes.length] }));
  });

/** By the definition: `\n` ends a line, one `\r` before it belongs to the end. */
function expectedLines(text: string): string[] {
  const lines = text.split('\n').map((line, index, { length }) => {
    return index < length - 1 && line.endsWith('\r') ? line.slice(0, -1) : line;
  });
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

test('lines do not depend on where the bytes are split', () => {
  fc.assert(
    fc.property(cutText, ({ bytes, cuts }) => {
      const splitter = new LineSplitter();
      const lines = cuts.slice(1).flatMap((end, index) => {
        return splitter.push(bytes.subarray(cuts[index], end));
      });
      lines.push(...splitter.end());
      assert.deepEqual(lines, expectedLines(bytes.toString('utf8')));
      assert.deepEqual(lines, splitLines(bytes));
    }),
    { numRuns: 2000 },
  );
});

test('characters that two writes of a child split are put together', async () => {
  // Each byte alone: é, the euro, a face, and both ends of a line.
  const script = `for byte in 303 251 342 202 254 360 237 230 200 015 012 170; do
    printf "\\\\$byte"; sleep 0.002; done`;
  const child = await spawn('sh', ['-c', script], { stdin: 'null', stdout: 'pipe' });
  assert.deepEqual(await all(child.lines()), ['é€\u{1F600}', 'x']);
  await child.closed;
});

/** What a command writes, by printf's escapes, and its lines. */
const table: readonly [written: string, lines: string[]][] = [
  ['', []],
  ['\\n', ['']],
  ['a', ['a']],
  ['a\\n', ['a']],
  ['a\\n\\n', ['a', '']],
  ['\\na', ['', 'a']],
  ['a\\r\\nb\\r\\n', ['a', 'b']],
  ['a\\rb\\n', ['a\rb']],
  ['a\\r\\r\\n', ['a\r']],
  ['a\\r', ['a\r']],
  ['50%%\\r50%%\\rdone\\n', ['50%\r50%\rdone']],
  ['a\\000b\\n', ['a\0b']],
  ['\\377\\n', ['\ufffd']],
];

test('run, runSync and child.lines return the same lines', async () => {
  for (const [written, lines] of table) {
    const words = [written] as const;
    assert.deepEqual((await run('printf', words, { lines: true })).stdout, lines, written);
    assert.deepEqual(runSync('printf', words, { lines: true }).stdout, lines, written);
    const child = await spawn('printf', words, { stdout: 'pipe' });
    assert.deepEqual(await all(child.lines()), lines, written);
    await child.closed;
  }
});

test('stderr and ExitError have lines too', async () => {
  const script = 'echo one; printf "two\\nthree\\n" >&2; exit 3';
  const { stdout, stderr } = await run('sh', ['-c', script], { lines: true, reject: false });
  assert.deepEqual({ stdout, stderr }, { stdout: ['one'], stderr: ['two', 'three'] });
  await assert.rejects(run('sh', ['-c', script], { lines: true }), {
    name: 'ExitError',
    stdout: ['one'],
    stderr: ['two', 'three'],
    message: /exit status 3 after \d+ ms\ntwo\nthree$/,
  });
});

test('lines arrive when they are written', async () => {
  await using child = await spawn('sh', ['-c', 'echo ready; exec sleep 1000'], {
    stdin: 'null',
    stdout: 'pipe',
  });
  for await (const line of child.lines()) {
    assert.equal(line, 'ready');
    break;
  }
  assert.equal(child.process.status(), undefined);
});

test("lines({ from: 'both' }) returns the lines of both streams, each in its order", async () => {
  const script = 'for n in 1 2 3; do echo o$n; echo e$n >&2; done; printf rest';
  const child = await spawn('sh', ['-c', script], {
    stdin: 'null',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const lines = await all(child.lines({ from: 'both' }));
  await child.closed;
  const from = (letter: string): string[] => lines.filter((line) => line.startsWith(letter));
  assert.deepEqual(
    [from('o'), from('e')],
    [
      ['o1', 'o2', 'o3'],
      ['e1', 'e2', 'e3'],
    ],
  );
  assert.deepEqual(lines.filter((line) => line === 'rest').length, 1);
  assert.equal(lines.length, 7);
});

test('leaving the loop over lines ends the child with SIGPIPE', async () => {
  const child = await spawn('yes', { stdin: 'null', stdout: 'pipe' });
  let count = 0;
  for await (const line of child.lines()) {
    assert.equal(line, 'y');
    if (++count === 5) break;
  }
  assert.equal((await child.closed).signal, 'SIGPIPE');
});

test('leaving the loop over lines closes the pipe immediately', async () => {
  const script = 'sleep 1000 2>/dev/null & echo $!; exit 3';
  const child = await spawn('sh', ['-c', script], { stdin: 'null', stdout: 'pipe' });
  let pid = 0;
  for await (const line of child.lines()) {
    pid = Number(line);
    break;
  }
  assert.equal(child.stdout.destroyed, true);
  assert.equal((await child.closed).code, 3, 'closed does not wait for who holds the pipe');
  process.kill(pid);
});

test('lines that are read late are complete', async () => {
  const child = await spawn('seq', ['1', '1000'], { stdout: 'pipe' });
  await child.exited;
  await sleep(50);
  const lines = await all(child.lines());
  assert.equal(lines.length, 1000);
  assert.equal(lines.at(-1), '1000');
  await child.closed;
});

test('a slow reader of lines slows the child down', async () => {
  const child = await spawn('seq', ['1', '300000'], { stdin: 'null', stdout: 'pipe' });
  let count = 0;
  for await (const line of child.lines()) {
    if (++count === 1) {
      await sleep(50);
      assert.equal(child.process.status(), undefined, 'it waits for its reader');
    }
    assert.equal(line, String(count));
  }
  assert.equal(count, 300_000);
  assert.equal((await child.closed).ok, true);
});

test('a line of 32 MiB arrives whole', async () => {
  const size = 32 * 1024 * 1024;
  const script = `head -c ${size} /dev/zero | tr '\\0' x; echo; echo end`;
  const child = await spawn('sh', ['-c', script], { stdin: 'null', stdout: 'pipe' });
  const [long, end] = await all(child.lines());
  assert.equal(long?.length, size);
  assert.equal(end, 'end');
  await child.closed;
});

test('the pieces of a long line are searched once each', () => {
  const pieces = 512;
  /** Microseconds of processor time, which a busy machine does not stretch. */
  const costOf = (piece: string): number => {
    const bytes = Buffer.from(piece);
    const splitter = new LineSplitter();
    const before = process.cpuUsage();
    for (let count = 0; count < pieces; count++) splitter.push(bytes);
    splitter.end();
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  const short = costOf(`${'x'.repeat(65_535)}\n`);
  const long = costOf('x'.repeat(65_536));
  // Searched from its start with each piece, the long line would cost some 256 times as much.
  assert.ok(long < 20 * short + 200_000, `${long} µs beside ${short}`);
});

test('lines() refuses an output that is not a pipe', async () => {
  await using child = await spawn('sleep', ['1000'], { stdout: 'pipe' });
  const code = 'ERR_INVALID_ARG_VALUE';
  assert.throws(() => child.lines({ from: 'stderr' }), { code });
  assert.throws(() => child.lines({ from: 'stdin' as 'stdout' }), { code });
});

test('lines of a descriptor above 2 and of a socket are read as those of stdout', async () => {
  const script = 'echo three >&3; echo four >&4; echo out';
  const child = await spawn('sh', ['-c', script], {
    stdin: 'null',
    stdout: 'pipe',
    fds: { 3: 'pipe', 4: 'socket' },
  });
  const read = async (from: number): Promise<string[]> => {
    const lines: string[] = [];
    for await (const line of child.lines({ from })) lines.push(line);
    return lines;
  };
  assert.deepEqual(await Promise.all([3, 4, 1].map(read)), [['three'], ['four'], ['out']]);
  assert.throws(() => child.lines({ from: 5 }), { code: 'ERR_INVALID_ARG_VALUE' });
  await child.closed;
});

test('a carriage return ends a line where that is asked for, however the bytes come', async () => {
  const script =
    "printf '10%%\\r20%%\\r'; sleep 0.05; printf '\\n30%%\\r'; sleep 0.05; printf 'done\\r\\nend\\n\\nx'";
  const lines: string[] = [];
  const child = await spawn('sh', ['-c', script], { stdin: 'null', stdout: 'pipe' });
  for await (const line of child.lines({ carriageReturn: true })) lines.push(line);
  assert.deepEqual(lines, ['10%', '20%', '30%', 'done', 'end', '', 'x']);
  await child.closed;
});

test('an iterator of lines that is left ends at once, also while it waits for a line', async () => {
  const child = await spawn('sleep', ['1000'], { stdin: 'null', stdout: 'pipe' });
  const lines = child.lines()[Symbol.asyncIterator]();
  const waiting = lines.next();
  assert.deepEqual(await lines.return?.(), { done: true, value: undefined });
  assert.deepEqual(await waiting, { done: true, value: undefined });
  assert.equal(child.stdout.destroyed, true);
  const other = await spawn('sleep', ['1000'], { stdin: 'null', stdout: 'pipe' });
  await other.lines()[Symbol.asyncIterator]().return?.();
  assert.equal(other.stdout.destroyed, true, 'before it was asked for a line');
  for (const each of [child, other]) {
    each.kill();
    await each.closed;
  }
});

test('lines that are asked for before they are there come in order, and then the end', async () => {
  const child = await spawn('sh', ['-c', 'echo 1; sleep 0.1; printf "2\\n3\\n4"'], {
    stdout: 'pipe',
  });
  const lines = child.lines()[Symbol.asyncIterator]();
  const asked = Array.from({ length: 6 }, () => lines.next());
  const results = await Promise.all(asked);
  assert.deepEqual(
    results.map(({ done, value }) => (done ? 'end' : value)),
    ['1', '2', '3', '4', 'end', 'end'],
  );
  await child.closed;
});

test('output that ends before its process does not end the command', async () => {
  const result = await run('sh', ['-c', 'echo out; exec >&- 2>&-; sleep 0.2; exit 3'], {
    exitCodes: [3],
  });
  assert.deepEqual([result.stdout, result.status.code], ['out', 3]);
});

test('lines of an inherited stream are refused with the option to give', async () => {
  const child = await spawn('true', { stdout: 'null', stderr: 'null' });
  assert.throws(() => child.lines(), /lines requires stdout to be 'pipe'/);
  assert.throws(() => child.lines({ from: 3 }), /lines requires fds\[3\] to be 'pipe'/);
  await child.closed;
});
