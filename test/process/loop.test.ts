import assert from 'node:assert/strict';
import { ExitError, run } from '#dist/index.js';
import { Process } from '#dist/process/index.js';
import { loop } from '../helpers/loop.js';
import { test } from '../helpers/test.js';

/** Ends a process that ran on, which must still be there; not our child, so it is no zombie. */
async function endOf(pid: number): Promise<void> {
  using child = Process.open(pid);
  assert.equal(child.signal('SIGKILL'), true);
  await child.wait();
}

for (const mode of ['child', 'childSync', 'refAgain', 'openedAndAwaited', 'openedAndReferenced']) {
  test(`a program lives on until its process has ended, and no longer: ${mode}`, async () => {
    const { code, ended } = await loop(mode);
    assert.equal(code, 0);
    assert.equal(ended, 'exit status 0');
  });
}

for (const mode of ['unref', 'unrefWhileAwaited', 'opened']) {
  test(`a program ends while a process runs that it does not wait for: ${mode}`, async () => {
    const { code, ended, pid, note } = await loop(mode);
    assert.equal(code, 0);
    assert.equal(ended, null);
    assert.equal(note, undefined);
    await endOf(pid);
  });
}

test('a program may exit while its children run', async () => {
  const { code, ended, pid } = await loop('exit');
  assert.equal(code, 7);
  assert.equal(ended, null);
  await endOf(pid);
});

test('who waits for a process that is given up is not left waiting', async () => {
  const { code, note } = await loop('disposedWhileAwaited');
  assert.equal(code, 0);
  assert.equal(note, 'settled');
});

test('a process that is given up while somebody waits for it can not be signalled', async () => {
  const { ended, note } = await loop('disposedThenSignalled');
  assert.equal(note, 'false');
  assert.equal(ended, 'signal: terminated', 'that of the other process');
});

test('a test that hangs would be seen', async () => {
  const hangs = run(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
    timeout: 100,
    stop: { signal: 'SIGKILL' },
  });
  await assert.rejects(hangs, (error) => {
    return error instanceof ExitError && error.status.reason === 'timeout';
  });
});
