import assert from 'node:assert/strict';
import { command, run, runSync, spawn } from '#dist/index.js';
import { launchOptionNames, order } from '#dist/launch/order.js';
import { OTHER_NAMES } from '#dist/launch/other-names.js';
import { exec, startProcess, startProcessSync } from '#dist/process/index.js';
import { forkExec, forkExecSync } from '#dist/syscall.js';
import { allCases, optionCases } from '../helpers/all-cases.js';
import { test } from '../helpers/test.js';

test('every attribute has a file of cases with all its options and steps', async () => {
  const found = new Set<unknown>();
  for (const [name, { cases, file }] of allCases) {
    const exported: unknown = await import(
      new URL(`../../../dist/launch/${file}`, import.meta.url).href
    );
    const attribute = (exported as Record<string, (typeof order)[number]>)[name];
    assert.ok(attribute !== undefined, `src/launch has no ${name} in ${file}`);
    assert.deepEqual(Object.keys(cases.options).sort(), [...attribute.options].sort(), name);
    assert.deepEqual(Object.keys(cases.steps).sort(), [...attribute.steps].sort(), name);
    found.add(attribute);
  }
  assert.deepEqual(found, new Set(order));
});

test('every option belongs to one attribute', () => {
  assert.deepEqual([...launchOptionNames].sort(), Object.keys(optionCases).sort());
});

/** A misspelt restriction, for those who do not compile. */
const WRONG = { chrot: '/srv' } as object;
const REFUSAL = {
  name: 'TypeError',
  code: 'ERR_INVALID_ARG_VALUE',
  message: "Unknown option 'chrot'. Did you mean 'chroot'?",
};

test('an unknown option is refused by every function that takes options', async () => {
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

test('an unknown option without a similar name is refused without a suggestion', async () => {
  await assert.rejects(
    run('true', { windowsHide: true } as object),
    /: Unknown option 'windowsHide'\.$/,
  );
  await run('true', { windowsHide: undefined } as object);
});

test('every option that is undefined counts as absent', async () => {
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
  await assert.rejects(
    run('true', { buffer: false } as object),
    /Use 'stdout: "pipe"' of spawn instead\./,
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
