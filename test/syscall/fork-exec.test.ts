// The launch under Go's names: each test beside one of Go's syscall package.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LaunchError } from '#dist/launch/error.js';
import { forkExec, forkExecSync, type ProcAttr } from '#dist/process/fork-exec.js';
import { startProcess } from '#dist/process/index.js';
import { O } from '#dist/syscall/constants.js';
import { close, dup3, open, pipe2 } from '#dist/syscall/descriptors.js';
import { getpgid, getsid } from '#dist/syscall/groups.js';
import { wait4, wait4Sync } from '#dist/syscall/wait.js';
import { helper, type State, withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

/** What a child says of itself; both ways to launch have to agree on `attributes`. */
async function stateWith(attributes: ProcAttr, argv0 = helper('state')): Promise<State> {
  return await withFolder(async (folder) => {
    const [one, two] = ['one', 'two'].map((name) => join(folder, name)) as [string, string];
    const pid = await forkExec(argv0, ['state', one], attributes);
    assert.equal((await wait4(pid)).status.exitStatus(), 0);
    const other = forkExecSync(argv0, ['state', two], attributes);
    assert.equal(wait4Sync(other)?.status.exitStatus(), 0);
    const [state, again] = [one, two].map((file) => JSON.parse(readFileSync(file, 'utf8')));
    // Each time Deno lists its variables in another order.
    assert.deepEqual(again.env.sort(), state.env.sort());
    for (const key of ['cwd', 'fds', 'umask', 'dispositions', 'rlimits', 'exe']) {
      assert.deepEqual(again[key], state[key], key);
    }
    assert.equal(state.pid, pid);
    return state as State;
  });
}

function fails(expected: Partial<LaunchError>, argv0: string, argv: string[], attr?: ProcAttr) {
  const check = (error: unknown): true => {
    assert.ok(error instanceof LaunchError);
    const { step, code } = error;
    assert.deepEqual({ step, code }, expected);
    return true;
  };
  assert.throws(() => forkExecSync(argv0, argv, attr), check);
  return assert.rejects(forkExec(argv0, argv, attr), check);
}

// TestForkExecNilArgv
test('forkExec takes an empty argv and refuses one that is not an array', async () => {
  assert.equal((await wait4(await forkExec('/bin/true', []))).status.exitStatus(), 0);
  assert.equal(wait4Sync(forkExecSync('/bin/true', []))?.status.exitStatus(), 0);
  // The kernel adds an empty argv[0].
  const pid = forkExecSync('/bin/sh', [], { files: [null, null, null] });
  assert.ok(wait4Sync(pid)?.status.exited());
  for (const argv of [undefined, null, 'argv']) {
    const given = argv as unknown as string[];
    assert.throws(() => forkExecSync('/bin/true', given), { code: 'ERR_INVALID_ARG_VALUE' });
    await assert.rejects(forkExec('/bin/true', given), { code: 'ERR_INVALID_ARG_VALUE' });
  }
});

test('forkExec takes argv as a whole and argv0 as the path', async () => {
  const { argv, exe } = await stateWith({});
  assert.equal(argv[0], 'state');
  assert.equal(exe, helper('state'));
});

test('dir of forkExec is the working directory, and relative paths start there', () =>
  withFolder(async (folder) => {
    const state = await stateWith({ dir: folder });
    assert.equal(state.cwd, folder);
    const inHelpers = await stateWith({ dir: join(helper('state'), '..') }, './state');
    assert.equal(inHelpers.exe, helper('state'));
    await fails({ step: 'chdir', code: 'ENOENT' }, '/bin/true', ['true'], { dir: '/no/dir' });
    await fails({ step: 'execve', code: 'ENOENT' }, './state', ['state'], { dir: '/' });
  }));

test('env of forkExec is the whole environment, and its default is that of this process', async () => {
  assert.deepEqual((await stateWith({ env: ['A=1', 'B=', 'C=x=y'] })).env, ['A=1', 'B=', 'C=x=y']);
  assert.deepEqual((await stateWith({ env: [] })).env, []);
  assert.deepEqual((await stateWith({ env: ['A=1', 'B=2', 'A=3'] })).env, ['A=3', 'B=2']);
  const own = Object.entries(process.env).map(([name, value]) => `${name}=${value}`);
  assert.deepEqual((await stateWith({})).env.sort(), own.sort());
  for (const wrong of ['A', '=1', 'A=\0', 1, null]) {
    const attributes = { env: [wrong as string] };
    const code = 'ERR_INVALID_ARG_VALUE';
    assert.throws(() => forkExecSync('/bin/true', ['true'], attributes), { code }, String(wrong));
  }
});

test('files of forkExec are the descriptors of the child, by position, and no others', async () => {
  assert.deepEqual((await stateWith({})).fds, {});
  const zero = open('/dev/zero');
  const [from, to] = pipe2();
  const stray = dup3(zero, 60, 0);
  try {
    const { fds } = await stateWith({ files: [zero, null, to, null, null, from, zero] });
    assert.deepEqual(Object.keys(fds), ['0', '2', '5', '6']);
    assert.equal(fds['0']?.target, '/dev/zero');
    assert.equal(fds['6']?.target, '/dev/zero');
    assert.equal(fds['2']?.target, fds['5']?.target);
    assert.equal((fds['2']?.flags ?? 0) & O.O_ACCMODE, O.O_WRONLY);
  } finally {
    for (const fd of [zero, from, to, stray]) close(fd);
  }
});

// TestExecErrPermutedFds: the way the error comes back is in nobody's way.
test('forkExec reports an execve that failed whatever the order of files', async () => {
  for (const files of [
    [0, 2, 1],
    [2, 1, 0],
    [1, 0],
  ]) {
    await fails({ step: 'execve', code: 'ENOENT' }, '/no/such', ['x'], { files });
  }
  const launch = (): unknown => forkExecSync('/bin/true', ['true'], { files: [999_999] });
  assert.throws(launch, { name: 'LaunchError', code: 'EBADF', argument: '999999' });
});

// TestZeroSysProcAttr, TestSetpgid, TestPgid
test('sys of forkExec takes the options of every launch', async () => {
  const plain = await stateWith({ sys: {} });
  assert.deepEqual([plain.pgid, plain.sid, plain.ppid], [getpgid(), getsid(), process.pid]);
  const leader = await stateWith({ sys: { processGroup: 0, umask: 0o77 } });
  assert.deepEqual([leader.pgid, leader.umask], [leader.pid, 0o77]);
  const { pid, sid, pgid } = await stateWith({ sys: { session: true } });
  assert.deepEqual([sid, pgid], [pid, pid]);
  const ignoring = await stateWith({ sys: { signals: { ignore: ['SIGHUP'] } } });
  assert.deepEqual(ignoring.dispositions, { 1: 1 });
  const elsewhere = await startProcess('/bin/sleep', ['sleep', '60'], { session: true });
  const sys = { processGroup: elsewhere.pid };
  await fails({ step: 'setpgid', code: 'EPERM' }, '/bin/true', ['true'], { sys });
  elsewhere.signal('SIGKILL');
  await elsewhere.wait();
});

test('forkExec refuses invalid paths and arguments', async () => {
  await fails({ step: 'execve', code: 'EACCES' }, '/', ['x']);
  await fails({ step: 'execve', code: 'EACCES' }, '/etc/passwd', ['x']);
  await fails({ step: 'execve', code: 'E2BIG' }, '/bin/true', ['x', 'y'.repeat(200_000)]);
  for (const [argv0, argv] of [
    ['', ['x']],
    ['/bin/true\0', ['x']],
    ['/bin/true', ['a\0b']],
    ['/bin/true', [1]],
    [1, ['x']],
  ]) {
    const launch = (): unknown => forkExecSync(argv0 as string, argv as string[]);
    assert.throws(launch, { code: 'ERR_INVALID_ARG_VALUE' });
  }
});
