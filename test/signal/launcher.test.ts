// bin/forkexec.js as the launcher of Node: what it records, and that it changes nothing else.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run, type SpawnOptions } from '#dist/index.js';
import { call } from '#dist/syscall/call.js';
import { RLIMIT } from '#dist/syscall/constants.js';
import { resetsInherited } from '../helpers/runtime.js';
import { bin, signalProgram, start, startMode } from '../helpers/signals.js';
import { helper, type State, withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const root = dirname(dirname(bin));

/** What `forkexec node` says of itself when it is started so. */
async function show(options: SpawnOptions, file = bin): Promise<Record<string, unknown>> {
  await using program = await start(file, ['node', signalProgram, 'show'], options);
  return JSON.parse((await program.line()) ?? '') as Record<string, unknown>;
}

const started = { ignore: ['SIGHUP', 'SIGUSR2', 'SIGRTMIN+2'], mask: ['SIGTERM', 64] } as const;
const limits = new BigUint64Array(2);
call('prlimit64', 0, RLIMIT.RLIMIT_NOFILE, null, limits);
const hard = Number(limits[1]);

const recorded = {
  ignored: ['SIGHUP', 'SIGUSR2', 'SIGRTMIN+2'],
  blocked: ['SIGTERM', 'SIGRTMIN+30'],
  source: 'launcher',
  nofile: [1000, hard],
  ignoresHangup: true,
  mask: ['SIGTERM', 'SIGRTMIN+30'],
};
const options = { signals: started, rlimits: { nofile: [1000, hard] } } as const;

test('the launcher records the inherited signals and limits, and Node gets the signals back', async () => {
  assert.deepEqual(await show(options), recorded);
});

const shells = [['dash'], ['bash'], ['bash', '--posix'], ['busybox', 'sh'], ['ksh'], ['mksh']];

test('the launcher records the same with every shell as /bin/sh', async (context) => {
  const there = shells.filter(([shell = '']) => spawnSync(shell, ['-c', ':']).error === undefined);
  context.diagnostic(there.map((words) => words.join(' ')).join(', '));
  for (const [shell = '', ...flags] of there) {
    for (const ignore of [['SIGHUP', 'SIGUSR2'], ['SIGQUIT'], []] as const) {
      const words = [...flags, bin, 'node', signalProgram, 'show'];
      const signals = { ignore, mask: started.mask };
      await using program = await start(shell, words, { signals });
      const { ignored, blocked, source } = JSON.parse((await program.line()) ?? '');
      const wanted = { ignored: ignore, blocked: recorded.blocked, source: 'launcher' };
      assert.deepEqual({ ignored, blocked, source }, wanted, shell);
    }
    await using program = await start(shell, [
      ...flags,
      bin,
      'exec',
      helper('state'),
      '/dev/stdout',
    ]);
    const state = JSON.parse((await program.line()) ?? '') as State;
    assert.deepEqual(state.dispositions, {}, shell);
  }
});

test('inherited without the launcher has what the runtime left', async () => {
  await using program = await startMode('show', [], options);
  const shown = JSON.parse((await program.line()) ?? '');
  const { nofile: _, ...all } = { ...recorded, source: 'process' };
  // Node resets the 31 standard signals, and all of the mask.
  const nothing = { ...all, ignored: ['SIGRTMIN+2'], blocked: [], ignoresHangup: false, mask: [] };
  assert.deepEqual(shown, resetsInherited() ? nothing : all);
});

test("a Worker and another copy of the library share the launcher's record", async () => {
  const env = { NODE_OPTIONS: '' };
  await using program = await startMode('worker', [], { ...options, launcher: true, env });
  const about = JSON.parse((await program.line()) ?? '');
  const { ignoresHangup, mask, ...inherited } = recorded;
  assert.deepEqual(about.inherited, inherited);
  assert.deepEqual(about.mask, mask);
  assert.equal(ignoresHangup, true);
  assert.deepEqual(JSON.parse((await program.line()) ?? ''), inherited, 'the other copy');
  assert.equal(await program.line(), 'SIGHUP', 'of process.on');
});

// Go's TestRlimitRestored
test('children have the soft limit of open files that the launcher found', async () => {
  const words = ['sh', '-c', 'ulimit -Sn'];
  for (const launched of [
    ['node', signalProgram, 'limit'],
    ['run', ...words],
    ['exec', ...words],
  ]) {
    const { stdout } = await run(bin, launched, options);
    assert.equal(stdout, '1000', launched[0]);
  }
});

test('a child has the soft limit of open files that this process has set since its last launch', () =>
  withFolder(async (folder) => {
    const program = join(folder, 'program.mjs');
    const dist = new URL('../../../dist/', import.meta.url).href;
    writeFileSync(
      program,
      `import { runSync } from '${dist}index.js';
      import { prlimit, RLIMIT } from '${dist}syscall.js';
      const limit = () => runSync('sh', ['-c', 'ulimit -Sn']).stdout;
      const before = limit();
      prlimit(0, RLIMIT.RLIMIT_NOFILE, { ...prlimit(0, RLIMIT.RLIMIT_NOFILE), cur: 500 });
      console.log(before, limit());`,
    );
    const { stdout } = await run(bin, ['node', program], options);
    assert.equal(stdout, '1000 500');
  }));

test('the launcher leaves the environment as it was', async () => {
  const words = 'key value rest one two three soft hard ignored blocked folder unit self k v';
  const env = Object.fromEntries(words.split(' ').map((name) => [name, `my ${name}`]));
  env['PATH'] = process.env['PATH'] ?? '';
  for (const command of [['run'], ['exec'], ['node', signalProgram, 'environment']]) {
    const { stdout } = await run(bin, [...command, 'env'], { env, clearEnv: true });
    const found = stdout
      .split('\n')
      .filter((line) => !/^(PWD|OLDPWD|SHLVL|_|FORKEXEC_TREE)=/.test(line));
    const wanted = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    assert.deepEqual(found.sort(), wanted.sort(), command[0]);
  }
});

test('the launcher passes on arguments, input and exit code', async () => {
  const script = 'console.log(process.argv.slice(1)); process.exitCode = 3;';
  const words = ['node', '-e', script, 'a b', '', '*', "it's"];
  const { stdout, status } = await run(bin, words, { reject: false });
  assert.deepEqual([stdout, status.code], [`[ 'a b', '', '*', "it's" ]`, 3]);
  const piped = await run(bin, ['node', '-', 'x'], { input: 'console.log(process.argv[2])' });
  assert.equal(piped.stdout, 'x');
});

test('the launcher starts through a symbolic link in node_modules/.bin', () =>
  withFolder(async (folder) => {
    const odd = join(folder, 'a#b %20?c');
    for (const place of [folder, odd]) {
      const links = join(place, 'node_modules', '.bin');
      mkdirSync(links, { recursive: true });
      symlinkSync(bin, join(links, 'forkexec'));
      assert.deepEqual(await show(options, join(links, 'forkexec')), recorded);
      const relative = { ...options, cwd: place };
      assert.deepEqual(await show(relative, './node_modules/.bin/forkexec'), recorded);
      assert.deepEqual(await show(relative, 'node_modules/.bin/forkexec'), recorded);
    }
    const path = join(folder, 'node_modules', '.bin');
    assert.deepEqual(await show({ ...options, path }, 'forkexec'), recorded);
    // The package itself at such a place.
    for (const part of ['bin', 'dist', 'lib', 'prebuilds', 'package.json', 'node_modules']) {
      cpSync(join(root, part), join(odd, part), { recursive: true });
    }
    assert.deepEqual(await show(options, join(odd, 'bin', 'forkexec.js')), recorded);
  }));

test('a fork starts after its parent has changed the working directory', async () => {
  const script = `process.chdir('/'); import('node:child_process').then(({ fork }) =>
    fork('${signalProgram}', ['show'], { stdio: 'inherit' }));`;
  const words = ['bin/forkexec.js', 'node', '-e', script];
  const { stdout } = await run('sh', ['-c', 'exec "$@"', 'sh', ...words], { cwd: root });
  assert.equal(JSON.parse(stdout).source, 'process', 'it is no child of the launcher');
});

const skip = spawnSync('npx', ['--version']).status === 0 ? false : 'npx is not installed';

test(
  'the launcher behind npx finds the signals that npx left',
  () =>
    withFolder(async (folder) => {
      const links = join(folder, 'node_modules', '.bin');
      mkdirSync(links, { recursive: true });
      mkdirSync(join(folder, 'node_modules', '@forkexec'));
      symlinkSync(root, join(folder, 'node_modules', '@forkexec', 'core'));
      symlinkSync('../@forkexec/core/bin/forkexec.js', join(links, 'forkexec'));
      const words = ['--no-install', 'forkexec', 'node', signalProgram, 'show'];
      const { stdout } = await run('npx', words, { ...options, cwd: folder });
      const shown = JSON.parse(stdout);
      assert.deepEqual(shown.ignored, ['SIGRTMIN+2'], 'Node resets only the standard signals');
      assert.deepEqual(shown.source, 'launcher');
      assert.deepEqual(shown.nofile, [hard, hard]);
    }),
  { skip },
);
