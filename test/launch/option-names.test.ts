import assert from 'node:assert/strict';
import { command, run, runSync, spawn } from '#dist/index.js';
import { type LaunchOptions, launchOptionNames } from '#dist/launch/order.js';
import { OTHER_NAMES } from '#dist/launch/other-names.js';
import { exec, startProcess, startProcessSync } from '#dist/process/index.js';
import { forkExec, forkExecSync } from '#dist/syscall.js';
import { test } from '../helpers/test.js';

/** The compiler keeps this whole. */
const ALL: Record<keyof LaunchOptions, true> = {
  argv0: true,
  capabilities: true,
  cgroup: true,
  chroot: true,
  clearEnv: true,
  controllingTerminal: true,
  cpuAffinity: true,
  credential: true,
  cwd: true,
  detachTerminal: true,
  env: true,
  foreground: true,
  ioPriority: true,
  namespaces: true,
  nice: true,
  noNewPrivileges: true,
  oomScoreAdj: true,
  parentDeathSignal: true,
  path: true,
  processGroup: true,
  ptrace: true,
  rlimits: true,
  scheduler: true,
  securebits: true,
  session: true,
  signals: true,
  umask: true,
};

test('each option of a launch belongs to one step', () => {
  assert.deepEqual([...launchOptionNames].sort(), Object.keys(ALL).sort());
});

/** A misspelt restriction, for those who do not compile. */
const WRONG = { chrot: '/srv' } as object;
const REFUSAL = {
  name: 'TypeError',
  code: 'ERR_INVALID_ARG_VALUE',
  message: "Unknown option 'chrot'. Did you mean 'chroot'?",
};

test('a name that is no option is refused, wherever options are taken', async () => {
  await assert.rejects(spawn('true', [], WRONG), REFUSAL);
  await assert.rejects(run('true', WRONG), REFUSAL);
  await assert.rejects(command('true', WRONG).run(), REFUSAL);
  await assert.rejects(command('true').pipe(command('true', WRONG)).run(), REFUSAL);
  await assert.rejects(startProcess('/bin/true', ['true'], WRONG), REFUSAL);
  assert.throws(() => runSync('true', [], WRONG), REFUSAL);
  assert.throws(() => startProcessSync('/bin/true', ['true'], WRONG), REFUSAL);
  assert.throws(() => exec('true', [], WRONG), REFUSAL);
});

test('an unknown attribute of forkExec is refused', async () => {
  const path = {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /^Unknown option 'sys\.chrot'\. Did you mean 'sys\.chroot'\?$/,
  };
  await assert.rejects(forkExec('/bin/true', ['true'], { sys: WRONG }), path);
  assert.throws(
    () => forkExecSync('/bin/true', ['true'], { sys: { cwd: '/' } as object }),
    /: Unknown option 'sys\.cwd'\. sys takes (\w+, )*chroot, .*\.$/,
  );
  await assert.rejects(
    forkExec('/bin/true', ['true'], { cwd: '/' } as object),
    /: Unknown option 'cwd'/,
  );
});

test('a name that resembles no option is refused without a suggestion, unless it is undefined', async () => {
  await assert.rejects(
    run('true', { windowsHide: true } as object),
    /: Unknown option 'windowsHide'\.$/,
  );
  await run('true', { windowsHide: undefined } as object);
});

test('an option that is undefined is absent, each of them', async () => {
  const names = ['stdin', 'stdout', 'stderr', 'fds', 'signal', 'timeout', 'stop', 'waitDelay'];
  names.push(
    'lifetime',
    'detached',
    'verbose',
    'input',
    'lines',
    'encoding',
    'maxBuffer',
    'reject',
  );
  const nothing = [...launchOptionNames, ...names, 'stripFinalNewline'].map((name) => [
    name,
    undefined,
  ]);
  const options = Object.fromEntries(nothing) as Record<never, never>;
  assert.equal((await run('sh', ['-c', 'echo x'], options)).stdout, 'x');
  assert.equal(runSync('sh', ['-c', 'echo x'], options).stdout, 'x');
  const child = await spawn('true', { ...options, stop: { grace: undefined, scope: undefined } });
  assert.equal(String(await child.stop()).length > 0, true);
  const signals = { mask: undefined, ignore: undefined, default: undefined };
  const file = { file: '/dev/null', append: undefined, mode: undefined, access: undefined };
  await run('true', { signals, stdin: file });
});

test('an option of another library is refused with what to use instead', async () => {
  await assert.rejects(
    run('true', { uid: 1 } as object),
    /: Unknown option 'uid'\. Use 'credential\.uid' instead\.$/,
  );
  await assert.rejects(
    run('true', { shell: true } as object),
    /Use run\('sh', \['-c', …\]\) instead\./,
  );
  // None of them is an option of this library, and each replacement is one.
  const known = new Set<string>([...launchOptionNames, 'stdin', 'stdout', 'stderr', 'fds']);
  for (const option of ['signal', 'stop', 'lifetime', 'reject']) known.add(option);
  for (const [name, own] of OTHER_NAMES) {
    assert.ok(!known.has(name), name);
    const [, option = ''] = /^'(\w+)/.exec(own) ?? [];
    assert.ok(known.has(option) || name === 'shell', own);
  }
});
