import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { run, type SpawnOptions, spawn } from '#dist/index.js';
import {
  type LaunchOptions,
  type ProcessAttributes,
  startProcess,
  startProcessSync,
} from '#dist/process/index.js';
import { call } from '#dist/syscall/call.js';
import { needsOption } from '../helpers/backend.js';
import { loop } from '../helpers/loop.js';
import { patience } from '../helpers/patience.js';
import { needsAnotherPid } from '../helpers/runtime.js';
import { helper, type State, stateOf, withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

/** The environment of a child by name. */
function environment({ env }: Pick<State, 'env'>): Map<string, string> {
  return new Map(
    env.map((entry) => {
      const end = entry.indexOf('=');
      return [entry.slice(0, end), entry.slice(end + 1)];
    }),
  );
}

/** What `state` says when started by its name. */
async function spawned(options: SpawnOptions, args: string[] = []): Promise<State> {
  return withFolder(async (folder) => {
    const file = join(folder, 'state');
    const child = await spawn(helper('state'), [file, ...args], options);
    assert.ok((await child.exited).ok);
    return JSON.parse(readFileSync(file, 'utf8')) as State;
  });
}

test('a child without options has the attributes of this process', async () => {
  const state = await stateOf();
  assert.equal(state.cwd, process.cwd());
  assert.deepEqual(environment(state), new Map(Object.entries(process.env as object)));
  assert.equal(state.umask, process.umask());
  assert.equal(state.ppid, process.pid);
  const group = call('getpgid', 0);
  assert.deepEqual([state.pgid, state.sid], [group, call('getsid', 0)]);
  assert.equal(state.parentDeathSignal, 0);
  assert.deepEqual(Object.keys(state.fds), ['0', '1', '2']);
});

test('cwd takes absolute paths, relative paths and URLs, and sets PWD', () =>
  withFolder(async (folder) => {
    const path = join(realpathSync(folder), 'a b%20c');
    mkdirSync(path);
    const relative = join('..', '..', '..', '..', '..', '..', '..', path);
    assert.equal(resolve(relative), path, 'that many levels are enough');
    for (const cwd of [path, pathToFileURL(path), relative]) {
      for (const state of [await stateOf({ cwd }), await spawned({ cwd })]) {
        assert.equal(state.cwd, path);
        assert.equal(environment(state).get('PWD'), path);
      }
    }
  }));

test('PWD does not change without cwd, with clearEnv, or if env names it', async () => {
  const own = environment(await stateOf()).get('PWD');
  assert.equal(own, process.env['PWD']);
  const cleared = await stateOf({ cwd: '/', clearEnv: true });
  assert.deepEqual(cleared.env, []);
  const named = await stateOf({ cwd: '/', env: { PWD: '/somewhere' } });
  assert.equal(environment(named).get('PWD'), '/somewhere');
  const unset = await stateOf({ cwd: '/', env: { PWD: undefined } });
  assert.equal(environment(unset).has('PWD'), false);
});

test('a relative program is searched from cwd', () =>
  withFolder(async (folder) => {
    writeFileSync(join(folder, 'program'), '#!/bin/sh\npwd -P\n');
    chmodSync(join(folder, 'program'), 0o755);
    const { stdout } = await run('./program', { cwd: folder });
    assert.equal(stdout, realpathSync(folder));
    const child = await startProcess('program', ['program'], {
      cwd: folder,
      files: [null, 'null', 2],
    });
    assert.equal((await child.wait()).code, 0);
  }));

test('env is added to the environment, undefined removes a variable, clearEnv starts empty', async () => {
  process.env['FORKEXEC_TEST'] = 'of the parent';
  try {
    const before = environment(await stateOf());
    assert.equal(before.get('FORKEXEC_TEST'), 'of the parent');
    const merged = environment(await stateOf({ env: { A: '1', B: '', FORKEXEC_TEST: 'x=y' } }));
    assert.deepEqual(merged, new Map([...before, ['FORKEXEC_TEST', 'x=y'], ['A', '1'], ['B', '']]));
    const without = environment(await stateOf({ env: { FORKEXEC_TEST: undefined } }));
    before.delete('FORKEXEC_TEST');
    assert.deepEqual(without, before);
    const cleared = await stateOf({ clearEnv: true, env: { A: 'ä ☃ 𝄞', B: 'a\nb', C: undefined } });
    assert.deepEqual(cleared.env, ['A=ä ☃ 𝄞', 'B=a\nb']);
    assert.deepEqual(
      (await stateOf({ clearEnv: false })).env.includes('FORKEXEC_TEST=of the parent'),
      true,
    );
  } finally {
    delete process.env['FORKEXEC_TEST'];
  }
});

test('variables with names of object properties, such as __proto__, are passed on', async () => {
  const names = ['__proto__', 'constructor', 'hasOwnProperty', '0'];
  const env = Object.fromEntries(names.map((name) => [name, `value of ${name}`]));
  const { env: got } = await stateOf({ clearEnv: true, env });
  assert.deepEqual(got.sort(), names.map((name) => `${name}=value of ${name}`).sort());
});

test('arguments and argv[0] arrive unchanged', async () => {
  const args = [
    '',
    ' ',
    "'",
    '"',
    '$HOME',
    '`',
    '\\',
    '\n',
    '-x',
    'ä☃𝄞',
    '\x01\x7f',
    'a'.repeat(100_000),
  ];
  const state = await stateOf({ argv0: 'other name' }, args);
  assert.equal(state.argv[0], 'other name');
  assert.deepEqual(state.argv.slice(2), args);
  assert.equal(state.exe, realpathSync(helper('state')));
  assert.equal((await spawned({})).argv[0], helper('state'));
  assert.equal((await spawned({ argv0: '' })).argv[0], '');
});

test('a program is searched in path, or else in PATH of the child', () =>
  withFolder(async (folder) => {
    for (const name of ['one', 'two']) {
      mkdirSync(join(folder, name));
      const program = join(folder, name, 'program');
      writeFileSync(program, `#!/bin/sh\necho ${name}\n`);
      chmodSync(program, 0o755);
    }
    const [one, two] = [join(folder, 'one'), join(folder, 'two')] as const;
    const ran = async (options: LaunchOptions): Promise<string> =>
      (await run('program', options)).stdout;
    assert.equal(await ran({ path: `/no:${one}:${two}` }), 'one');
    assert.equal(await ran({ path: `${two}/:${one}`, env: { PATH: one } }), 'two');
    assert.equal(await ran({ env: { PATH: `${two}:${one}` } }), 'two');
    assert.equal(await ran({ clearEnv: true, env: { PATH: one } }), 'one');
    // Relative entries are passed over, the empty one among them.
    assert.equal(await ran({ path: `:.:two:${one}`, cwd: two }), 'one');
    chmodSync(join(one, 'program'), 0o644);
    assert.equal(await ran({ path: `${one}:${two}` }), 'two', 'what may not run is passed over');
    const { stdout } = await run('sh', ['-c', 'echo found'], { clearEnv: true });
    assert.equal(stdout, 'found', 'without PATH there is a default');
  }));

test('umask changes the child only', async () => {
  for (const umask of [0, 0o22, 0o377]) assert.equal((await stateOf({ umask })).umask, umask);
  assert.equal((await spawned({ umask: 0o7 })).umask, 0o7);
});

test('session makes the child lead a session and a process group, without a terminal', async () => {
  const { pid, sid, pgid, hasTerminal } = await stateOf({ session: true });
  assert.deepEqual([sid, pgid, hasTerminal], [pid, pid, false]);
  const { sid: same } = await stateOf({ session: false });
  assert.equal(same, call('getsid', 0));
});

test('processGroup makes a new process group or joins an existing one', async () => {
  const own = await stateOf({ processGroup: 0 });
  assert.deepEqual([own.pgid, own.sid], [own.pid, call('getsid', 0)]);
  const leader = await startProcess('/bin/sleep', ['sleep', '60'], { processGroup: 0 });
  try {
    const other = await stateOf({ processGroup: leader.pid });
    assert.deepEqual([other.pgid, other.sid], [leader.pid, call('getsid', 0)]);
  } finally {
    leader.signal('SIGKILL');
    await leader.wait();
  }
});

test('parentDeathSignal is set by launches of both threads', async () => {
  for (const [signal, number] of [
    ['SIGKILL', 9],
    ['SIGRTMIN+2', 36],
    [15, 15],
  ] as const) {
    assert.equal((await stateOf({ parentDeathSignal: signal })).parentDeathSignal, number);
  }
  await withFolder(async (folder) => {
    const file = join(folder, 'state');
    const attributes: ProcessAttributes = { parentDeathSignal: 'SIGTERM' };
    const child = startProcessSync(helper('state'), ['state', file], attributes);
    await child.wait();
    const state = JSON.parse(readFileSync(file, 'utf8')) as State;
    assert.equal(state.parentDeathSignal, 15);
  });
});

test('parentDeathSignal is sent when the parent is killed', () =>
  withFolder(async (folder) => {
    needsOption('parentDeathSignal');
    const file = join(folder, 'mark');
    const { code } = await loop('killed', file);
    assert.equal(code, null, 'the parent was killed');
    const deadline = Date.now() + patience(10_000);
    while (readFileSync(file, 'utf8') !== 'got USR1\n') {
      assert.ok(Date.now() < deadline, 'the child has not got its signal');
      await sleep(10);
    }
  }));

test('a child whose parent ends before parentDeathSignal is armed does not run', async () => {
  needsOption('parentDeathSignal');
  needsAnotherPid();
  const { note } = await loop('parentGone');
  assert.equal(note, 'signal: user defined signal 1');
});
