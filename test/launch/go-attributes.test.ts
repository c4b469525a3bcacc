// What Go's syscall package asserts of SysProcAttr, in both ways to launch. Others of its tests are
// answered beside the option they are about.

import assert from 'node:assert/strict';
import { chmodSync, closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ProcessAttributes, startProcess, startProcessSync } from '#dist/process/index.js';
import { call, close } from '#dist/syscall/call.js';
import { E, SOCK } from '#dist/syscall/constants.js';
import { needsOption } from '../helpers/backend.js';
import { withCgroup, withoutCgroups } from '../helpers/cgroups.js';
import { noHandles, noPidfdSignal, noUserNamespaces } from '../helpers/facilities.js';
import { asRoot, assertFails, withOpenFolder } from '../helpers/identity.js';
import { ROOT_MAP } from '../helpers/namespaces.js';
import { patience } from '../helpers/patience.js';
import { helper, type State, stateOf, withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

/** What a child says of itself that is launched at once. */
function stateNow(attributes: ProcessAttributes): Promise<State> {
  return withFolder(async (folder) => {
    const file = join(folder, 'state');
    const child = startProcessSync(helper('state'), ['state', file], attributes);
    assert.ok((await child.wait()).ok);
    return JSON.parse(readFileSync(file, 'utf8')) as State;
  });
}

// TestZeroSysProcAttr
test('a child without attributes is in the process group of its parent', async () => {
  for (const state of [await stateOf({}), await stateNow({})]) {
    assert.equal(state.pgid, call('getpgid', 0));
    assert.notEqual(state.pgid, state.pid);
  }
});

// TestSetpgid
test('a new process group has the pid of the child', async () => {
  for (const state of [await stateOf({ processGroup: 0 }), await stateNow({ processGroup: 0 })]) {
    assert.equal(state.pgid, state.pid);
    assert.notEqual(state.pgid, call('getpgid', 0));
  }
});

// TestPgid
test('a second child joins the process group of the first', async () => {
  const first = await startProcess('/bin/sleep', ['sleep', '60'], { processGroup: 0 });
  try {
    const attributes = { processGroup: first.pid };
    for (const state of [await stateOf(attributes), await stateNow(attributes)]) {
      assert.equal(state.pgid, first.pid);
      assert.notEqual(state.pid, state.pgid);
    }
  } finally {
    first.signal('SIGKILL');
    await first.wait();
  }
});

test(
  // TestDeathSignal
  'a child of another user gets its parent-death signal when SIGTERM ends the parent',
  () =>
    withOpenFolder(async (folder) => {
      needsOption('parentDeathSignal');
      const ready = join(folder, 'ready');
      const log = join(folder, 'log');
      for (const file of [ready, log]) writeFileSync(file, '', { mode: 0o666 });
      for (const file of [ready, log]) chmodSync(file, 0o666);
      const script = `trap 'echo ok > ${log}; exit' USR1; echo > ${ready}; while :; do sleep 0.05; done`;
      const options = { parentDeathSignal: 'SIGUSR1', credential: { uid: 99, gid: 99 } };
      const program = `
        import { startProcess } from '${new URL('../../../dist/process/index.js', import.meta.url)}';
        await startProcess('/bin/sh', ['sh', '-c', ${JSON.stringify(script)}], {
          ...${JSON.stringify(options)}, files: ['null', 'null', 'null'] });`;
      const words = ['node', '--input-type=module', '-e', program];
      const parent = await startProcess(process.execPath, words);
      const deadline = Date.now() + patience(20_000);
      while (readFileSync(ready, 'utf8') === '') {
        assert.ok(Date.now() < deadline, 'the child is not ready');
        await sleep(5);
      }
      parent.signal('SIGTERM');
      assert.equal((await parent.wait()).signal, 'SIGTERM');
      while (readFileSync(log, 'utf8') !== 'ok\n') {
        assert.ok(Date.now() < deadline, 'the child has not got its signal');
        await sleep(5);
      }
    }),
  asRoot,
);

// TestExecErrPermutedFds
test('a missing program is an error with stdio in another order too', async () => {
  for (const files of [
    [0, 2, 1],
    [2, 1, 0],
    [1, 0, 2],
    [2, 0, 1],
    [null, 0, 1],
    [1, 2, null, 0],
  ]) {
    const launch = startProcess('/no/such', ['such'], { files });
    await assert.rejects(launch, { step: 'execve', code: 'ENOENT', errno: E.ENOENT });
    assert.throws(() => startProcessSync('/no/such', ['such'], { files }), { step: 'execve' });
  }
  await assertFails(
    { files: [0, 2, 1], cwd: '/no' },
    { step: 'chdir', code: 'ENOENT', argument: '/no' },
  );
});

// TestPassFD
test('children pass descriptors over an inherited socket', () =>
  withFolder(async (folder) => {
    const [file, out] = [join(folder, 'file'), join(folder, 'out')];
    writeFileSync(file, 'Hello from the child\n');
    const pair = new Int32Array(2);
    call('socketpair', SOCK.AF_UNIX, SOCK.SOCK_STREAM | SOCK.SOCK_CLOEXEC, 0, pair);
    const [one = -1, two = -1] = pair;
    const output = openSync(out, 'w');
    try {
      const program = helper('pass-fd');
      const sender = await startProcess(program, ['pass-fd', 'send', file], {
        files: [null, null, 2, one],
      });
      const receiver = await startProcess(program, ['pass-fd', 'receive'], {
        files: [null, output, 2, two],
      });
      assert.deepEqual((await Promise.all([sender.wait(), receiver.wait()])).map(String), [
        'exit status 0',
        'exit status 0',
      ]);
      assert.equal(readFileSync(out, 'utf8'), 'Hello from the child\n');
    } finally {
      closeSync(output);
      for (const fd of pair) close(fd);
    }
  }));

/** Ends a child by its pidfd and nothing else. */
async function assertHandle(attributes: ProcessAttributes): Promise<void> {
  const child = await startProcess('/bin/sleep', ['sleep', '60'], attributes);
  const SIGINT = 2;
  child.withHandle((pidfd) => call('pidfd_send_signal', pidfd, SIGINT, null, 0));
  const status = await child.wait();
  assert.deepEqual([status.signal, status.code], ['SIGINT', null]);
  assert.throws(() => child.withHandle(() => assert.fail('called')), { code: 'ERR_NO_HANDLE' });
}

const withoutHandles = noHandles || noPidfdSignal;

// TestPidFD
test('every child has a pidfd that signals it', () => assertHandle({}), { skip: withoutHandles });

test(
  // TestPidFDWithUserNS
  'every child in a user namespace has a pidfd',
  () => assertHandle({ namespaces: { user: true, uidMap: ROOT_MAP } }),
  { skip: withoutHandles || noUserNamespaces },
);

test(
  // TestPidFDClone3
  'every child that needs flags of clone3 has a pidfd',
  () => withCgroup((cgroup) => assertHandle({ cgroup })),
  { skip: withoutHandles || asRoot.skip || withoutCgroups.skip },
);
