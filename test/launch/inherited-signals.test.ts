import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ProcessAttributes, startProcessSync } from '#dist/process/index.js';
import { call } from '#dist/syscall/call.js';
import { SIG, SIG_HOW } from '#dist/syscall/constants.js';
import { needsMaskWhileWaiting } from '../helpers/runtime.js';
import { helper, type State, stateOf, withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const SET_SIZE = 8;
const SIG_IGN = 1n;

/** As `stateOf`, for a child that this thread launches and not a launching thread. */
function stateOfSync(attributes: ProcessAttributes = {}): Promise<State> {
  return withFolder(async (folder) => {
    const file = join(folder, 'state');
    await startProcessSync(helper('state'), ['state', file], attributes).wait();
    return JSON.parse(readFileSync(file, 'utf8')) as State;
  });
}

const both = [stateOf, stateOfSync];

/** Calls `use` with these signals blocked on this thread, and only then. */
async function blocking(numbers: number[], use: () => Promise<void>): Promise<void> {
  const set = BigUint64Array.of(numbers.reduce((bits, n) => bits | (1n << BigInt(n - 1)), 0n));
  const before = new BigUint64Array(1);
  call('rt_sigprocmask', SIG_HOW.SIG_BLOCK, set, before, SET_SIZE);
  try {
    await use();
  } finally {
    call('rt_sigprocmask', SIG_HOW.SIG_SETMASK, before, null, SET_SIZE);
  }
}

/** Calls `use` with a signal ignored by this process, and only then. */
async function ignoring(number: number, use: () => Promise<void>): Promise<void> {
  const before = new BigUint64Array(4);
  call('rt_sigaction', number, BigUint64Array.of(SIG_IGN, 0n, 0n, 0n), before, SET_SIZE);
  try {
    await use();
  } finally {
    call('rt_sigaction', number, before, null, SET_SIZE);
  }
}

function maskOf({ status }: State): bigint {
  return BigInt(`0x${status['SigBlk']}`);
}

test('the signal mask is that of the thread that launches, or signals.mask', () =>
  blocking([SIG.SIGUSR2, SIG.SIGRTMIN + 5], async () => {
    const blocked = (1n << 11n) | (1n << 38n);
    for (const state of both) {
      assert.equal(maskOf(await state()), blocked);
      assert.equal(maskOf(await state({ signals: { mask: 'inherit' } })), blocked);
      assert.equal(maskOf(await state({ signals: { mask: [] } })), 0n);
      assert.equal(maskOf(await state({ signals: { mask: ['SIGHUP'] } })), 1n);
    }
  }));

test('a child does not inherit pending signals', async () => {
  await needsMaskWhileWaiting();
  await blocking([SIG.SIGTERM], async () => {
    call('tgkill', process.pid, call('gettid'), SIG.SIGTERM);
    try {
      for (const state of both) {
        const { status } = await state({ signals: { mask: [] } });
        assert.equal(BigInt(`0x${status['SigPnd']}`), 0n);
      }
    } finally {
      // Taken back before it is unblocked.
      const terminate = BigUint64Array.of(1n << 14n);
      const atOnce = new BigUint64Array(2);
      assert.equal(call('rt_sigtimedwait', terminate, null, atOnce, SET_SIZE), SIG.SIGTERM);
    }
  });
});

test('a signal that this process ignores stays ignored unless signals.default names it', () =>
  ignoring(SIG.SIGHUP, async () => {
    for (const state of both) {
      assert.deepEqual((await state()).dispositions, { 1: 1 });
      assert.deepEqual((await state({ signals: { ignore: ['SIGINT'] } })).dispositions, {
        1: 1,
        2: 1,
      });
      assert.deepEqual((await state({ signals: { default: ['SIGHUP'] } })).dispositions, {});
    }
  }));

test('SIGPIPE and SIGXFSZ have their default action unless signals.ignore names them', async () => {
  const lines = readFileSync('/proc/self/status', 'utf8');
  const ignored = BigInt(`0x${/^SigIgn:\s*(\w+)/m.exec(lines)?.[1]}`);
  assert.ok((ignored & (1n << 12n)) !== 0n, 'this process ignores SIGPIPE');
  for (const state of both) {
    assert.deepEqual((await state()).dispositions, {});
    assert.deepEqual((await state({ signals: { ignore: [13, 25] } })).dispositions, {
      13: 1,
      25: 1,
    });
  }
});

test('a signal that this process handles has its default action in the child', async () => {
  let caught = 0;
  const handler = (): void => {
    caught++;
  };
  process.on('SIGUSR2', handler);
  try {
    for (const state of both) assert.deepEqual((await state()).dispositions, {});
    process.kill(process.pid, 'SIGUSR2');
    while (caught === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(caught, 1);
  } finally {
    process.off('SIGUSR2', handler);
  }
});
