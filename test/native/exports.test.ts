import assert from 'node:assert/strict';
import { native } from '#dist/native.js';
import { WATCH } from '#dist/protocol.js';
import { close } from '#dist/syscall/call.js';
import { pipe2 } from '#dist/syscall/descriptors.js';
import { test } from '../helpers/test.js';

type Anything = (...args: unknown[]) => unknown;

const exported = native as unknown as Readonly<Record<string, Anything | undefined>>;

const bytes = new Uint8Array(8);
const integers = new Int32Array(2);
const ids = new Uint32Array(1);

/** What stands for an argument: one that fits, and ones of a wrong type and out of range. */
interface Kind {
  readonly fits: unknown;
  readonly types: readonly unknown[];
  readonly ranges: readonly unknown[];
}

const NO_NUMBERS = ['1', null, undefined, {}, 1n, true, Symbol('s')];
const NOT_ARRAYS = ['a', 1, null, {}, [1], new ArrayBuffer(8), new DataView(new ArrayBuffer(8))];

const KINDS = {
  boolean: { fits: true, types: [0, 'true', null, undefined, {}], ranges: [] },
  int: { fits: -1, types: NO_NUMBERS, ranges: [0.5, NaN, 2 ** 31, -(2 ** 31) - 1, Infinity] },
  natural: { fits: 1, types: NO_NUMBERS, ranges: [-1, 0.5, NaN, 2 ** 53, -Infinity] },
  signal: { fits: 28, types: NO_NUMBERS, ranges: [0, 65, -1, 1.5, NaN] },
  pid: { fits: 2 ** 31 - 1, types: NO_NUMBERS, ranges: [0, -1, 2 ** 31, 1.5, NaN] },
  set: { fits: 0n, types: [0, '0', null, undefined, {}], ranges: [-1n, 2n ** 64n, 2n ** 200n] },
  bytes: { fits: bytes, types: [...NOT_ARRAYS, undefined, integers, new Int8Array(8)], ranges: [] },
  ints: { fits: integers, types: [...NOT_ARRAYS, undefined, ids, bytes], ranges: [] },
  fds: { fits: undefined, types: [...NOT_ARRAYS, ids, bytes], ranges: [] },
  ids: { fits: ids, types: [...NOT_ARRAYS, undefined, integers, bytes], ranges: [] },
  floats: { fits: new Float64Array(20), types: [...NOT_ARRAYS, undefined, bytes], ranges: [] },
  function: {
    fits: () => {},
    types: [0, 'f', null, undefined, {}, class {}.prototype],
    ranges: [],
  },
  channel: { fits: undefined, types: NO_NUMBERS, ranges: [0, 1, -1, 2 ** 24, 2 ** 53, 0.5, NaN] },
  lock: { fits: undefined, types: NO_NUMBERS, ranges: [0, 1, -1, 2 ** 24, 2 ** 53, 0.5, NaN] },
} as const satisfies Readonly<Record<string, Kind>>;

/** What each export takes; `...` are any arguments. */
const EXPORTS: Readonly<Record<string, string>> = {
  initialize: 'function floats',
  ref: '',
  unref: '',
  launch: 'bytes natural natural fds int boolean boolean',
  launchHere: 'bytes natural natural fds int',
  awaitLaunch: 'natural int',
  cancelLaunch: 'natural int',
  limitLaunchers: 'int',
  exec: 'bytes natural',
  openChannel: 'int boolean natural',
  armChannel: 'channel int',
  takeChannel: 'channel bytes boolean',
  closeChannel: 'channel int',
  hasClone3: '',
  vforkSharesMemory: '',
  signalChild: 'natural int boolean',
  pinChild: 'natural boolean',
  unpinChild: 'natural',
  reapChild: 'natural bytes int bytes',
  exitDescriptor: 'natural pid',
  openStdio: '',
  signalMask: '',
  copyEnvironment: 'bytes natural ints bytes',
  rawSyscall: '...',
  asyncSyscall: 'natural int ...',
  openOwned: 'int ...',
  closeOwned: 'int',
  disown: 'int',
  sysconf: 'int',
  monotonicTime: '',
  setIdentity: 'int ids',
  watchSignal: 'signal natural',
  unwatchSignal: 'signal natural',
  flushSignals: '',
  renewSignal: 'signal boolean boolean',
  setBelow: 'signal int',
  sharesHandler: 'signal signal',
  blockSignals: 'set boolean',
  signalAction: 'signal',
  setSignalAction: 'signal boolean',
  idleHandler: '',
  idleRestorer: '',
  sendMessage: 'int bytes fds int',
  receiveMessage: 'int bytes ints int',
  setSocketBuffers: 'int int int',
  acquireLock: 'boolean natural',
  releaseLock: 'lock',
};

const TYPE = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
const RANGE = { name: 'RangeError', code: 'ERR_INVALID_ARG_VALUE' };

test('every function of the addon is in the table of this test', () => {
  const functions = Object.keys(exported).filter((name) => typeof exported[name] === 'function');
  assert.deepEqual(functions.sort(), Object.keys(EXPORTS).sort());
});

for (const [name, takes] of Object.entries(EXPORTS)) {
  const words = takes.split(' ').filter((word) => word !== '');
  const kinds = words
    .filter((word) => word !== '...')
    .map((word) => KINDS[word as keyof typeof KINDS]);
  const call = (args: readonly unknown[]): unknown => (exported[name] as Anything)(...args);

  test(`${name} of the addon throws for a wrong number of arguments`, () => {
    const right = kinds.map((kind) => kind.fits);
    if (words.length > 0 && name !== 'rawSyscall') {
      assert.throws(() => call(right.slice(1)), TYPE);
      assert.throws(() => call([]), TYPE);
    }
    const many = [...right, ...Array.from({ length: 12 }, () => 0)];
    assert.throws(() => call(many), TYPE);
  });

  if (kinds.length === 0) continue;
  test(`${name} of the addon throws for each argument of a wrong type or out of range`, () => {
    for (const [index, kind] of kinds.entries()) {
      if (index > 0 && words[0] === 'channel') continue; // the test of channels below
      for (const [wrong, expected] of [
        [kind.types, TYPE],
        [kind.ranges, RANGE],
      ] as const) {
        for (const value of wrong) {
          const args = kinds.map((other, at) => (at === index ? value : other.fits));
          const rest = words.includes('...') ? [39] : [];
          assert.throws(() => call([...args, ...rest]), expected, `argument ${index + 1}`);
        }
      }
    }
  });
}

test('the number of a closed channel is refused, and so is a number of another kind', () => {
  const lock = native.acquireLock(false, 1);
  assert.ok(lock > 0);
  const [reader, writer] = pipe2();
  const channel = native.openChannel(reader, true, 1);
  assert.ok(channel > 0);
  assert.throws(() => native.armChannel(channel, 1.5), RANGE);
  assert.throws(() => native.armChannel(channel, '1' as never), TYPE);
  assert.throws(() => native.releaseLock(channel as never), RANGE);
  native.closeChannel(channel, -1);
  assert.throws(() => native.closeChannel(channel, -1), RANGE);
  assert.throws(() => native.armChannel(channel, 1), RANGE);
  close(writer);
  assert.throws(() => native.closeChannel(lock as never, -1), RANGE);
  native.releaseLock(lock as never);
  assert.throws(() => native.releaseLock(lock as never), RANGE);
});

test('sizes and offsets past the end of a buffer are refused', () => {
  assert.throws(() => native.launch(bytes, 9, 1, undefined, WATCH.reap, false, false), RANGE);
  assert.throws(() => native.launchHere(bytes, 9, 1, undefined, WATCH.reap), RANGE);
  assert.throws(() => native.exec(bytes, 9), RANGE);
  assert.throws(() => native.copyEnvironment(bytes, 9, integers, bytes), RANGE);
  assert.throws(() => native.copyEnvironment(bytes, 0, new Int32Array(1), bytes), RANGE);
});
