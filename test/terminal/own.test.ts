// The terminal of this process: raw mode and its foreground group.

import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { notify } from '#dist/signal/index.js';
import { attempt } from '#dist/syscall/call.js';
import { openTerminal, setForegroundGroup, withRawMode } from '#dist/terminal/index.js';
import { Desk } from '../helpers/desk.js';
import { test } from '../helpers/test.js';

notify('SIGUSR2').stop(); // what a first stream opens stays open

const program = fileURLToPath(new URL('../helpers/raw-mode-program.js', import.meta.url));

const ways = [
  ['return', undefined, 'exit status 0'],
  ['throw', undefined, 'exit status 1'],
  ['exit', undefined, 'exit status 3'],
  ['uncaught', undefined, 'exit status 1'],
  ['rejected', undefined, 'exit status 1'],
  ['wait', 'SIGINT', 'signal: interrupt'],
  ['wait', 'SIGTERM', 'signal: terminated'],
  ['wait', 'SIGHUP', 'signal: hangup'],
  ['wait', 'SIGQUIT', 'signal: quit'],
] as const;

for (const [way, signal, end] of ways) {
  test(`withRawMode restores the modes on the way out by ${signal ?? way}`, async () => {
    await using desk = new Desk();
    const before = desk.terminal.attributes();
    const rlimits = { core: 0 }; // SIGQUIT would dump one
    const child = await desk.spawn(process.execPath, [program, way], { rlimits });
    await desk.until(/raw/);
    assert.equal(desk.terminal.attributes().icanon, false);
    if (signal !== undefined) child.kill(signal);
    assert.match(String(await child.exited), new RegExp(`^${end}`));
    assert.deepEqual(desk.terminal.attributes(), before);
  });
}

test('withRawMode leaves a signal to the listeners that the program has for it', async () => {
  await using desk = new Desk();
  const before = desk.terminal.attributes();
  const child = await desk.spawn(process.execPath, [program, 'listen']);
  await desk.until(/listens/);
  child.kill('SIGTERM');
  await desk.until(/heard/);
  assert.equal(desk.terminal.attributes().icanon, false);
  child.kill('SIGHUP');
  await desk.until(/left/);
  assert.deepEqual(desk.terminal.attributes(), before);
});

test('withRawMode does not call its body where there is no terminal', async () => {
  let called = false;
  const body = (): void => {
    called = true;
  };
  const pair = new Int32Array(2);
  attempt('pipe2', pair, 0);
  const [read = -1, write = -1] = pair;
  try {
    const expected = { name: 'SystemError', code: 'ENOTTY' };
    await assert.rejects(() => withRawMode(body, { fd: read }), expected);
    await assert.rejects(() => withRawMode(body, { fd: -1 }), { code: 'ERR_INVALID_ARG_VALUE' });
    assert.equal(called, false);
  } finally {
    attempt('close', read);
    attempt('close', write);
  }
});

test('withRawMode takes modes on top of those of raw mode', async () => {
  await using terminal = openTerminal();
  const seen = await withRawMode(() => terminal.attributes(), {
    fd: terminal.childFd,
    modes: { isig: true },
  });
  assert.deepEqual([seen.icanon, seen.isig], [false, true]);
  assert.equal(terminal.attributes().icanon, true);
});

test("setForegroundGroup is ENOTTY for a terminal that is not this session's", async () => {
  await using terminal = openTerminal();
  const expected = { name: 'SystemError', code: 'ENOTTY' };
  assert.throws(() => setForegroundGroup(terminal.childFd, process.pid), expected);
});
