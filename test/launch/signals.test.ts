import assert from 'node:assert/strict';
import { stateOf } from '../helpers/state.js';
import { test } from '../helpers/test.js';

test('a child has default dispositions and an empty mask, independent of the runtime', async () => {
  const caught = (): void => {};
  process.on('SIGUSR2', caught);
  try {
    const { dispositions, status } = await stateOf();
    assert.deepEqual(dispositions, {});
    assert.equal(Number.parseInt(status['SigBlk'] as string, 16), 0);
  } finally {
    process.off('SIGUSR2', caught);
  }
});

test('signals.ignore and signals.mask set the signals of the child', async () => {
  const { dispositions, status } = await stateOf({
    signals: { ignore: ['SIGHUP', 'SIGPIPE', 'SIGRTMIN+3'], mask: ['SIGUSR1', 64] },
  });
  assert.deepEqual(dispositions, { 1: 1, 13: 1, 37: 1 });
  assert.equal(BigInt(`0x${status['SigBlk']}`), (1n << 9n) | (1n << 63n));
});
