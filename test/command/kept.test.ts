// Which part of much output is kept, and output that is shown while it is collected.

import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Collected } from '#dist/command/collected.js';
import { run, runSync } from '#dist/index.js';
import { test } from '../helpers/test.js';

const digits = ['-c', 'seq -s "" 1 100000; echo done >&2; exit 3'] as const;
const all = Array.from({ length: 100_000 }, (_, n) => n + 1).join('');

for (const keep of ['head', 'tail', 'both'] as const) {
  test(`maxBuffer with keep '${keep}' keeps that part, counts the rest, and the program runs on`, async () => {
    const options = {
      maxBuffer: { bytes: 1000, keep },
      reject: false,
      encoding: 'buffer',
    } as const;
    for (const result of [await run('sh', digits, options), runSync('sh', digits, options)]) {
      const whole = Buffer.from(`${all}\n`);
      const [first, last] = { head: [1000, 0], tail: [0, 1000], both: [500, 500] }[keep];
      const kept = Buffer.concat([
        whole.subarray(0, first),
        whole.subarray(whole.length - (last as number)),
      ]);
      assert.ok(kept.equals(result.stdout), keep);
      assert.equal(result.omitted.stdout, whole.length - 1000);
      assert.equal(result.omitted.stderr, 0);
      assert.equal(result.status.code, 3, 'it was not stopped');
      assert.equal(String(result.stderr), 'done\n');
    }
  });
}

test('output that fits is whole whichever part would be kept', async () => {
  for (const keep of ['head', 'tail', 'both'] as const) {
    const { stdout, omitted } = await run('echo', ['hello'], { maxBuffer: { bytes: 100, keep } });
    assert.deepEqual([stdout, omitted], ['hello', { stdout: 0, stderr: 0 }]);
  }
});

test('text that was cut has whole characters, and says how much is missing in the middle', async () => {
  const text = '≤'.repeat(1000);
  const of = async (keep: 'head' | 'tail' | 'both'): Promise<string> =>
    (await run('printf', ['%s', text], { maxBuffer: { bytes: 100, keep } })).stdout;
  assert.equal(await of('head'), '≤'.repeat(33));
  assert.equal(await of('tail'), '≤'.repeat(33));
  assert.equal(await of('both'), `${'≤'.repeat(16)}\n[2900 bytes omitted]\n${'≤'.repeat(16)}`);
});

test('memory for the last bytes does not grow with the output', async () => {
  const { Bun } = globalThis as { Bun?: { gc: (now: boolean) => void } };
  setFlagsFromString('--expose-gc');
  const collectGarbage: () => void = Bun ? () => Bun.gc(true) : runInNewContext('gc');
  const collected = new Collected({ bytes: 1000, keep: 'tail' });
  collectGarbage();
  const before = process.memoryUsage().arrayBuffers;
  for (let n = 0; n < 200; n++) collected.keep(Buffer.alloc(1_000_000, n));
  // The memory of what was collected is given back a moment later.
  for (let tries = 0; ; tries++) {
    collectGarbage();
    const grown = process.memoryUsage().arrayBuffers - before;
    if (grown < 3_000_000) break;
    assert.ok(tries < 100, `${grown} bytes`);
    await sleep(10);
  }
  assert.ok(collected.bytes.equals(Buffer.alloc(1000, 199)));
  assert.equal(collected.omitted, 200_000_000 - 1000);
});

test('a stream gets the output that is collected, in the order of its bytes', async () => {
  const sink = new PassThrough();
  let shown = '';
  sink.on('data', (chunk) => {
    shown += chunk;
  });
  const script = 'seq 10000; echo error >&2; exit 1';
  const options = { stdout: ['pipe', sink], reject: false } as const;
  const { stdout, stderr } = await run('sh', ['-c', script], options);
  assert.equal(shown, `${stdout}\n`);
  assert.equal(stderr, 'error');
  assert.equal(sink.writableEnded, false, 'it is not ended');
});

test("'inherit' shows output on the stream of this process and collects it", async () => {
  const program = `
    const { run, runSync } = await import(process.argv.at(-1));
    const script = 'echo out; echo error >&2';
    const both = { stdout: ['inherit', 'pipe'], stderr: ['pipe', 'inherit'] };
    const one = await run('sh', ['-c', script], both);
    const two = runSync('sh', ['-c', script], both);
    console.log([one, two].map(({ stdout, stderr }) => stdout + stderr).join());
  `;
  const index = new URL('../../../dist/index.js', import.meta.url).href;
  const args = ['--input-type=module', '-e', program, index];
  const { stdout, stderr } = await run(process.execPath, args);
  assert.deepEqual([stdout, stderr], ['out\nout\nouterror,outerror', 'error\nerror']);
});

test('a cap or an array that makes no sense is refused', async () => {
  const refused = { code: 'ERR_INVALID_ARG_VALUE' };
  const bad = [
    { maxBuffer: { bytes: -1, keep: 'head' } },
    { maxBuffer: { bytes: 10, keep: 'middle' } },
    { maxBuffer: { bytes: 10 } },
    { maxBuffer: { bytes: 10, keep: 'tail', keeps: 1 } },
    { stdout: ['inherit'] },
    { stdout: ['pipe', 'null'] },
    { stderr: ['pipe', 5] },
    { exitCodes: [] },
    { exitCodes: [256] },
    { exitCodes: 1 },
  ];
  for (const options of bad) {
    await assert.rejects(
      () => run('true', [], options as object),
      refused,
      JSON.stringify(options),
    );
    assert.throws(() => runSync('true', [], options as object), refused);
  }
  const stream = { stdout: ['pipe', new PassThrough()] } as const;
  assert.throws(() => runSync('true', stream), refused);
});
