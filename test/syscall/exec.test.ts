// exec in place, of processes of their own.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { O } from '#dist/syscall/constants.js';
import { close, open } from '#dist/syscall/descriptors.js';
import { helper, type State, withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';
import { type Outcome, runFixture } from './fixtures/run.js';

/** Runs an action of the fixture that ends as the helper `state`. */
async function become(action: string, stdio?: number[]): Promise<[State, Outcome]> {
  return await withFolder((folder) => {
    const file = join(folder, 'state.json');
    const options = stdio === undefined ? {} : { stdio };
    const outcome = runFixture('exec', [action, helper('state'), file], options);
    assert.deepEqual([outcome.stderr, outcome.code], ['', 0]);
    return [JSON.parse(readFileSync(file, 'utf8')) as State, outcome];
  });
}

// TestExec
test('exec runs another program in the same process while Workers are busy', async () => {
  for (let round = 0; round < 5; round++) {
    const [state, { stdout }] = await become('busy');
    assert.equal(String(state.pid), stdout);
    assert.equal(state.ppid, process.pid);
    assert.equal(state.status['Threads'], '1');
    assert.equal(state.exe, helper('state'));
    assert.deepEqual(state.env.sort(), [...new Set(state.env)].sort());
    assert.ok(state.env.includes(`PATH=${process.env['PATH']}`));
  }
});

test('a program run by exec has stdio and the descriptors given, and no others', async () => {
  const [{ fds }] = await become('descriptors');
  assert.deepEqual(Object.keys(fds), ['0', '1', '2', '5', '7', '30']);
  assert.equal(fds['0']?.target, '/dev/null');
  assert.equal(fds['5']?.target, '/dev/zero');
  assert.equal(fds['7']?.target, fds['30']?.target);
  assert.ok(Object.values(fds).every(({ cloexec }) => !cloexec));
});

test('a program run by exec of @forkexec/core/syscall has stdio alone', async () => {
  const [{ fds }] = await become('stdio');
  assert.deepEqual(Object.keys(fds), ['0', '1', '2']);
});

test('a program run by exec has the dispositions and mask of a child', async () => {
  const [{ status, dispositions }] = await become('signals');
  assert.deepEqual(dispositions, {});
  for (const set of ['SigIgn', 'SigBlk', 'SigCgt', 'SigPnd', 'ShdPnd']) {
    assert.equal(BigInt(`0x${status[set]}`), 0n, set);
  }
});

test('exec sets the attributes that its options ask for', async () => {
  const [state] = await become('attributes');
  assert.deepEqual([state.argv[0], state.cwd, state.umask], ['called', '/usr', 0o27]);
  assert.deepEqual(state.env, ['ONLY=1']);
  assert.equal(state.pgid, state.pid);
  assert.deepEqual(state.dispositions, { 1: 1, 12: 1 });
  assert.equal(BigInt(`0x${state.status['SigBlk']}`), 1n << 9n);
});

test('output written before exec comes before that of the next program', () =>
  withFolder((folder) => {
    // To a pipe as much as it holds at once; a file takes everything.
    const { code, stdout, stderr } = runFixture('exec', ['flush', '8192']);
    assert.deepEqual([code, stderr], [0, 'to stderr']);
    assert.equal(stdout, `${'x'.repeat(8192)}end\n`);
    const path = join(folder, 'out');
    const fd = open(path, O.O_WRONLY | O.O_CREAT | O.O_TRUNC);
    try {
      assert.equal(runFixture('exec', ['flush', '1000000'], { stdio: [0, fd, fd] }).code, 0);
    } finally {
      close(fd);
    }
    assert.equal(readFileSync(path, 'utf8'), `${'x'.repeat(1_000_000)}to stderrend\n`);
  }));

test('an exec that fails names the step and changes nothing', async () => {
  await become('fail');
});

test('an exec with wrong options changes nothing', () => {
  const outcome = runFixture('exec', ['refuse']);
  assert.deepEqual(outcome, { code: 0, signal: null, stdout: '', stderr: '' });
});

test('exec in a Worker is refused', () => {
  const outcome = runFixture('exec', ['worker', helper('state')]);
  assert.deepEqual(outcome, { code: 0, signal: null, stdout: '', stderr: '' });
});

// TestExecHelper
test('a program that runs itself by exec keeps pid, environment and descriptors', () =>
  withFolder(async (folder) => {
    const path = join(folder, 'log');
    const log = open(path, O.O_WRONLY | O.O_CREAT | O.O_TRUNC);
    try {
      const [state] = await become('generations', [0, 1, 2, log]);
      assert.ok(state.env.includes('GENERATION=4') && state.env.includes('KEPT=ünï'));
      assert.deepEqual(Object.keys(state.fds), ['0', '1', '2', '3']);
      const lines = [0, 1, 2, 3].map((generation) => `${generation} ${state.pid}\n`);
      assert.equal(readFileSync(path, 'utf8'), lines.join(''));
    } finally {
      close(log);
    }
  }));
