import assert from 'node:assert/strict';
import { ExitError, run } from '#dist/index.js';
import { noExitInfo, noPidfdOpen } from '../helpers/facilities.js';
import { loop } from '../helpers/loop.js';
import { endOther } from '../helpers/other.js';
import { test } from '../helpers/test.js';

/** Why what this mode does can't be done here, or false. */
function lackFor(mode: string): string | false {
  return /^(opened|disposed)/.test(mode) && noPidfdOpen;
}

for (const mode of ['child', 'childSync', 'refAgain', 'openedAndAwaited', 'openedAndReferenced']) {
  test(
    `the event loop stays alive until the process has ended: ${mode}`,
    async () => {
      const { code, ended } = await loop(mode);
      assert.equal(code, 0);
      const untold = mode.startsWith('opened') && noExitInfo;
      assert.equal(ended, untold ? 'exit status unknown' : 'exit status 0');
    },
    { skip: lackFor(mode) },
  );
}

for (const mode of ['unref', 'unrefWhileAwaited', 'opened']) {
  test(
    `a process without a waiter does not keep the event loop alive: ${mode}`,
    async () => {
      const { code, ended, pid, note } = await loop(mode);
      assert.equal(code, 0);
      assert.equal(ended, null);
      assert.equal(note, undefined);
      await endOther(pid);
    },
    { skip: lackFor(mode) },
  );
}

test('a program may exit while its children run', async () => {
  const { code, ended, pid } = await loop('exit');
  assert.equal(code, 7);
  assert.equal(ended, null);
  await endOther(pid);
});

test(
  'a wait for a process that is disposed of settles',
  async () => {
    const { code, note } = await loop('disposedWhileAwaited');
    assert.equal(code, 0);
    assert.equal(note, 'settled');
  },
  { skip: noPidfdOpen },
);

test(
  'a process that is disposed of during a wait cannot be signalled',
  async () => {
    const { ended, note } = await loop('disposedThenSignalled');
    assert.equal(note, 'false');
    assert.equal(ended, 'signal: terminated', 'that of the other process');
  },
  { skip: noPidfdOpen },
);

test('a test that never settles is reported', async () => {
  const hangs = run(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
    timeout: 100,
    stop: { signal: 'SIGKILL' },
  });
  await assert.rejects(hangs, (error) => {
    return error instanceof ExitError && error.status.reason === 'timeout';
  });
});
