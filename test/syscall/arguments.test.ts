// Whatever a system call is given: an error, never a crash.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { SYS } from '#dist/syscall/constants.js';
import { rawSyscall, type SyscallArg, syscall } from '#dist/syscall/raw.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';
import { runFixture } from './fixtures/run.js';

function detached(view: Uint8Array | DataView): ArrayBufferView {
  structuredClone(view.buffer, { transfer: [view.buffer as ArrayBuffer] });
  return view;
}

/** A buffer that may shrink; undefined where the runtime has none. */
function resizable(): Uint8Array | undefined {
  const Buffers = ArrayBuffer as new (size: number, options: object) => ArrayBuffer;
  const buffer = new Buffers(8, { maxByteLength: 16 });
  return (buffer as { resizable?: boolean }).resizable ? new Uint8Array(buffer) : undefined;
}

const eight: unknown[] = [1, 2, 3, 4, 5, 6, 7, 8];

const wrong: Readonly<Record<string, unknown[]>> = {
  'a symbol': [Symbol('s')],
  'an object': [{}],
  'a date': [new Date(0)],
  'a function': [() => 1],
  'a boolean': [true],
  'an ArrayBuffer itself': [new ArrayBuffer(8)],
  'a SharedArrayBuffer itself': [new SharedArrayBuffer(8)],
  'a fraction': [1.5],
  NaN: [Number.NaN],
  Infinity: [Number.POSITIVE_INFINITY],
  'a number past 64 bits': [2 ** 64],
  'a bigint past 64 bits': [2n ** 70n],
  'a bigint below 64 bits': [-(2n ** 63n) - 1n],
  'a detached view': [detached(new Uint8Array(8))],
  'a detached DataView': [detached(new DataView(new ArrayBuffer(8)))],
  'an array with a number': [['a', 1]],
  'an array with an array': [[['a']]],
  'an array with a hole': [new Array(2)],
  'a proxy of a view': [new Proxy(new Uint8Array(8), {})],
  'seven arguments': eight.slice(0, 7),
  'eight arguments': eight,
  'something wrong after something right': ['a', new Uint8Array(8), ['b'], Symbol('s')],
};

for (const [name, args] of Object.entries(wrong)) {
  test(`a system call with ${name} is a TypeError`, async () => {
    const given = args as SyscallArg[];
    const expected = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
    assert.throws(() => rawSyscall(SYS.getpid, ...given), expected);
    await assert.rejects(syscall(SYS.getpid, ...given), expected);
  });
}

test('a system call with a view of a resizable buffer is a TypeError', async (t) => {
  const view = resizable();
  if (view === undefined) return t.skip('this runtime has no resizable buffers');
  const expected = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
  assert.throws(() => rawSyscall(SYS.getpid, view), expected);
  await assert.rejects(syscall(SYS.getpid, view), expected);
});

for (const number of [undefined, null, '39', 39n, 1.5, Number.NaN, {}, Symbol('s')]) {
  test(`${String(number)} is refused as the number of a system call`, async () => {
    const expected = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
    assert.throws(() => rawSyscall(number as number), expected);
    await assert.rejects(syscall(number as number), expected);
  });
}

test('integers, strings, views, null and arrays of strings are taken as arguments', async () => {
  const { sparse: list }: { sparse: (string | null)[] } = { sparse: [null, 'a', null] };
  const right: SyscallArg[][] = [
    [0, -1, 2 ** 53, -(2 ** 63)],
    [2n ** 64n - 1n, -(2n ** 63n), 0n],
    ['', 'a', 'ü'.repeat(1000), 'a\0b'],
    [null, [], list],
    [new Uint8Array(0), new BigInt64Array(2), new DataView(new ArrayBuffer(4), 2)],
    [new Float64Array(1), Buffer.from('pooled'), new Uint8Array(new SharedArrayBuffer(8))],
    [1, 2, 3, 4, 5, 6],
  ];
  for (const args of right) {
    assert.equal(rawSyscall(SYS.getpid, ...args).errno, 0);
    assert.equal((await syscall(SYS.getpid, ...args)).errno, 0);
  }
});

test('accessors of an argument array run before any address is taken', async () => {
  const accessor = (get: () => unknown): string[] =>
    Object.defineProperty(['x'], 0, { get }) as string[];
  const failing = accessor(() => {
    throw new RangeError('from the accessor');
  });
  assert.throws(() => rawSyscall(SYS.getpid, failing), /from the accessor/);
  await assert.rejects(syscall(SYS.getpid, failing), /from the accessor/);
  // The kernel would write to memory that is another's by now.
  const bytes = new Uint8Array(1 << 20);
  const stealing = accessor(() => {
    detached(bytes);
    return 'x';
  });
  assert.throws(() => rawSyscall(SYS.getrandom, bytes, 1 << 20, 0, stealing), TypeError);
});

test('system calls with random arguments of any type do not crash', (t) => {
  const { code, signal, stdout, stderr } = runFixture('fuzz-arguments');
  assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
  t.diagnostic(stdout.trim());
});

/** Why the addon can't run under AddressSanitizer here, or undefined if it can. */
function sanitizerLack(library: string): string | undefined {
  const { status, stderr } = spawnSync(process.execPath, ['-e', '0'], {
    env: { ...process.env, ...sanitized(library) },
    encoding: 'utf8',
  });
  return status === 0 ? undefined : stderr.trim().split('\n')[0];
}

function sanitized(library: string): NodeJS.ProcessEnv {
  // Node itself keeps memory until its end, and so would be reported.
  return { LD_PRELOAD: library, ASAN_OPTIONS: 'detect_leaks=0' };
}

test(
  'AddressSanitizer finds no fault in the addon for random arguments',
  (t) =>
    withFolder((folder) => {
      const addon = join(folder, 'forkexec.node');
      const build = spawnSync('scripts/build-native', ['--out', addon], {
        env: { ...process.env, CFLAGS: '-fsanitize=address' },
        encoding: 'utf8',
      });
      const compiler = process.env['CC'] ?? 'cc';
      const found = spawnSync(compiler, ['-print-file-name=libasan.so'], { encoding: 'utf8' });
      const library = found.stdout?.trim() ?? '';
      const lack = build.status === 0 ? sanitizerLack(library) : build.stderr.trim().split('\n')[0];
      if (lack !== undefined) {
        t.skip(`no AddressSanitizer: ${lack}`);
        return;
      }
      const env = { ...process.env, ...sanitized(library) };
      const { code, signal, stdout, stderr } = runFixture('fuzz-addon', [addon], { env });
      assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
      t.diagnostic(stdout.trim());
    }),
  { timeout: 180_000 },
);
