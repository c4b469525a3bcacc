// Launches under a storm of signals; bench/signal.mjs has more of them, and times.

import assert from 'node:assert/strict';
import { startProcess, startProcessSync } from '#dist/process/index.js';
import { notify } from '#dist/signal/index.js';
import { SYS } from '#dist/syscall/constants.js';
import { rawSyscall } from '#dist/syscall.js';
import { needsLinux } from '../helpers/backend.js';
import { signalsOfThisProcess } from '../helpers/signals.js';
import { stateOf } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const LAUNCHES = 1000;
const AT_ONCE = 16;
const ITIMER_REAL = 0;
const INTERVAL_US = 100n;
const LINES = ['SigBlk', 'SigIgn', 'SigCgt'] as const;

/** SIGALRM every so many microseconds; 0 for never. */
function setTimer(interval: bigint): void {
  const { errno } = rawSyscall(
    SYS.setitimer,
    ITIMER_REAL,
    BigUint64Array.of(0n, interval, 0n, interval),
    null,
  );
  assert.equal(errno, 0);
}

test(
  'mask and dispositions survive 1,000 launches under a storm of timer signals',
  async () => {
    needsLinux('setitimer');
    let count = 0;
    const stream = notify('SIGALRM').on('signal', () => count++);
    const before = LINES.map(signalsOfThisProcess);
    setTimer(INTERVAL_US);
    try {
      let left = LAUNCHES;
      const launch = async (): Promise<void> => {
        while (left-- > 0) {
          const child = await startProcess('/bin/true', ['true']);
          assert.equal(String(await child.wait()), 'exit status 0');
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, launch));
      for (let sync = 0; sync < 100; sync++) await startProcessSync('/bin/true', ['true']).wait();
      const { status, dispositions } = await stateOf();
      assert.deepEqual([dispositions, BigInt(`0x${status['SigBlk']}`)], [{}, 0n]);
      assert.deepEqual(LINES.map(signalsOfThisProcess), before);
    } finally {
      setTimer(0n);
      stream.stop();
    }
    assert.ok(count > LAUNCHES / 10, `${count} signals came`);
  },
  { timeout: 120_000 },
);
