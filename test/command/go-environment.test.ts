// What Go's os/exec promises of the environment, the working directory, credentials and awaiting, by
// the names of its tests (os/exec/exec_test.go, env_test.go, exec_posix_test.go, internal_test.go).

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, realpathSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ExitError, type LaunchOptions, run } from '#dist/index.js';
import { startProcess } from '#dist/process/index.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

/** The environment of a child, in its order. */
async function environmentOf(options: LaunchOptions): Promise<string[]> {
  const { stdout } = await run('/usr/bin/env', { ...options, lines: true });
  return stdout;
}

test('TestDedupEnvEcho: the last value of a variable counts', async () => {
  process.env['FORKEXEC_TEST'] = 'bad';
  try {
    const given = { ...process.env, FORKEXEC_TEST: 'good' };
    const lines = await environmentOf({ env: given });
    assert.deepEqual(
      lines.filter((line) => line.startsWith('FORKEXEC_TEST=')),
      ['FORKEXEC_TEST=good'],
    );
  } finally {
    delete process.env['FORKEXEC_TEST'];
  }
});

test('TestEnvNULCharacter, TestDedupEnv: invalid variables are refused', async () => {
  const code = 'ERR_INVALID_ARG_VALUE';
  const bad = [{ A: 'a\0b' }, { 'A\0B': 'a' }, { '': 'a' }, { '=a': 'b' }, { 'A=B': 'c' }];
  for (const env of bad) await assert.rejects(run('env', { env }), { code });
});

test('TestDedupEnv: names are case-sensitive, values hold anything but NUL, and order is kept', async () => {
  const env = { Key: '1', KEY: '2', key: '3', empty: '', path: '/a:=C:=D', line: 'a b' };
  assert.deepEqual(
    await environmentOf({ env, clearEnv: true }),
    Object.entries(env).map(([name, value]) => `${name}=${value}`),
  );
});

test('TestImplicitPWD: PWD is the requested working directory, once', async () => {
  const cwd = process.cwd();
  const cases = [
    ['none', undefined, process.env['PWD']],
    ['.', '.', cwd],
    ['..', '..', dirname(cwd)],
    ['absolute', dirname(cwd), dirname(cwd)],
    ['unclean', `${cwd}/../`, dirname(cwd)],
    ['by way of itself', `../${basename(cwd)}`, cwd],
  ] as const;
  for (const [name, asked, expected] of cases) {
    const lines = await environmentOf(asked === undefined ? {} : { cwd: asked });
    const found = lines.filter((line) => line.startsWith('PWD='));
    assert.deepEqual(found, expected === undefined ? [] : [`PWD=${expected}`], name);
    if (asked === undefined) continue;
    assert.equal((await run('pwd', ['-L'], { cwd: asked })).stdout, expected, name);
  }
});

test('TestExplicitPWD: a given PWD is kept and may lead through a link', () =>
  withFolder(async (folder) => {
    const real = join(realpathSync(folder), 'real');
    const link = join(realpathSync(folder), 'link');
    mkdirSync(real);
    symlinkSync(real, link);
    const cases = [
      [real, real],
      [link, real],
      [real, link],
      [link, link],
    ] as const;
    for (const [cwd, PWD] of cases) {
      const options = { cwd, env: { PWD } };
      const lines = await environmentOf(options);
      assert.deepEqual(
        lines.filter((line) => line.startsWith('PWD=')),
        [`PWD=${PWD}`],
      );
      // pwd(1) trusts it where it is true.
      assert.equal((await run('pwd', ['-L'], options)).stdout, PWD);
      assert.equal((await run('pwd', ['-P'], options)).stdout, real);
    }
  }));

test("TestCredentialNoSetGroups: the process's own ids need no privilege", async () => {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  const credential = { uid, gid, keepGroups: true };
  assert.equal((await run('id', ['-u'], { credential })).stdout, String(uid));
});

test('TestWaitid: a process that stops has not ended', async () => {
  const child = await startProcess('/bin/sleep', ['sleep', '1000']);
  let ended = false;
  const waiting = child.wait().finally(() => {
    ended = true;
  });
  const state = (): string => {
    const stat = readFileSync(`/proc/${child.pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
  };
  for (const [signal, reached] of [
    ['SIGSTOP', 'T'],
    ['SIGCONT', 'S'],
  ] as const) {
    assert.equal(child.signal(signal), true);
    while (state() !== reached) await new Promise((resolve) => setTimeout(resolve, 1));
    assert.equal(ended, false);
    assert.equal(child.status(), undefined);
  }
  child.signal('SIGKILL');
  assert.equal((await waiting).signal, 'SIGKILL');
});

test('TestPrefixSuffixSaver: the message has the end of a long stderr, and the error all of it', async () => {
  // Go keeps 32 KiB of the beginning and of the end; here nothing is left out of the error itself.
  const error = await run('sh', ['-c', 'seq 1 100000 >&2; exit 1']).catch((reason) => reason);
  assert.ok(error instanceof ExitError);
  assert.equal((error.stderr as string).split('\n').length, 100_000);
  const [, ...tail] = error.message.split('\n');
  assert.equal(tail.at(-1), '100000');
  assert.ok(tail.length <= 10 && tail.length > 5, `${tail.length} lines`);
  const long = await run('sh', ['-c', 'head -c 100000 /dev/zero | tr "\\0" x >&2; exit 1']).catch(
    (reason) => reason,
  );
  assert.ok(long.message.length < 3000, `${long.message.length} characters`);
});
