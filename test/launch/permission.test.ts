// Node's --permission and Deno's --allow-run: no way to start or to become a program passes them by.

import assert from 'node:assert/strict';
import { readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { backend } from '#dist/backend.js';
import { runSync } from '#dist/index.js';
import { withFolder } from '../helpers/state.js';
import { lacks, test } from '../helpers/test.js';

const isDeno = process.versions['deno'] !== undefined;

/** For Deno process.execPath may be a script that permits everything. */
const runtime = isDeno ? readlinkSync('/proc/self/exe') : process.execPath;

/** What this runtime calls its permissions, all but that to start programs; and that one. */
function flagsOf(allowed: string | undefined): string[] {
  if (process.versions['bun']) lacks('permissions');
  const allow = isDeno ? '--allow-run' : '--allow-child-process';
  const run = allowed === undefined ? [] : [allowed === '' ? allow : `${allow}=${allowed}`];
  if (isDeno) {
    const others = ['--allow-ffi', '--allow-read', '--allow-write', '--allow-env', '--allow-sys'];
    return ['run', '--no-check', '--no-lock', '--no-prompt', ...others, ...run];
  }
  const flags = process.allowedNodeEnvironmentFlags;
  const name = ['--permission', '--experimental-permission'].find((flag) => flags.has(flag));
  if (name === undefined) lacks('permissions');
  return [name, '--allow-addons', '--allow-fs-read=*', '--allow-fs-write=*', ...run];
}

/** Each way to start or to become a program, by its name; all of them would run `true`. */
const WAYS = `{
  spawn: () => forkexec.spawn('true').then((child) => child.closed),
  run: () => forkexec.run('true'),
  runSync: () => forkexec.runSync('true'),
  command: () => forkexec.command('true').run(),
  pipeline: () => forkexec.command('true').pipe(forkexec.command('true')).run(),
  template: () => forkexec.$\`true\`,
  file: () => forkexec.run('true', { stdout: { file: folder + '/emptied' } }),
  startProcess: () => library.startProcess('/bin/true', ['true']).then((child) => child.wait()),
  startProcessSync: () => library.startProcessSync('/bin/true', ['true']).wait(),
  forkExec: () => syscalls.forkExec('/bin/true', ['true']),
  exec: () => library.exec('/no/such/program', ['true']),
  'syscall exec': () => syscalls.exec('/no/such/program', ['true'], []),
  'raw execve': () => raw('execve'),
  'raw execve off the loop': () => syscalls.syscall(syscalls.SYS.execve, '/no/such/program', null, null),
  'raw vfork': () => raw('clone', -1),
}`;

/** What comes of the ways: `'ok'`, or what the error calls itself. */
function outcomes(folder: string, flags: readonly string[]): Record<string, string> {
  const at = (name: string): string => JSON.stringify(import.meta.resolve(`#dist/${name}.js`));
  const file = join(folder, 'program.mjs');
  writeFileSync(join(folder, 'emptied'), 'kept');
  writeFileSync(
    file,
    `import { readFileSync } from 'node:fs';
    import * as forkexec from ${at('index')};
    import * as library from ${at('process/index')};
    import * as syscalls from ${at('syscall')};
    const folder = ${JSON.stringify(folder)};
    const raw = (name, flags = '/no/such/program') => {
      const { errno } = syscalls.rawSyscall(syscalls.SYS[name], flags, null, null, null, null);
      if (errno !== 0) throw Object.assign(new Error(), { code: errno });
    };
    const outcomes = {};
    for (const [name, start] of Object.entries(${WAYS})) {
      try {
        await start();
        outcomes[name] = 'ok';
      } catch (error) {
        outcomes[name] = String(error.code ?? error.name);
      }
    }
    outcomes.kept = readFileSync(folder + '/emptied', 'utf8');
    console.log(JSON.stringify(outcomes));
    process.exit();`,
  );
  const { stdout } = runSync(runtime, [...flags, file]);
  return JSON.parse(stdout) as Record<string, string>;
}

test('no way to start a program passes by the permissions of the runtime', () =>
  withFolder(async (folder) => {
    const { kept, ...refused } = outcomes(folder, flagsOf(undefined));
    const expected = isDeno ? 'NotCapable' : 'ERR_ACCESS_DENIED';
    for (const [name, outcome] of Object.entries(refused)) {
      const isMissing = name.startsWith('raw ') && backend !== 'linux';
      assert.equal(outcome, isMissing ? 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM' : expected, name);
    }
    assert.equal(kept, 'kept', 'no file is opened for a program that may not run');
    assert.ok(Object.keys(refused).length > 10);
  }));

test('every way to start a program works with the permission of the runtime', () =>
  withFolder(async (folder) => {
    const { kept, ...allowed } = outcomes(folder, flagsOf(''));
    const refused = Object.entries(allowed).filter(([, outcome]) => {
      return outcome === 'ERR_ACCESS_DENIED' || outcome === 'NotCapable';
    });
    assert.deepEqual(refused, []);
    assert.deepEqual([allowed['run'], allowed['startProcess'], kept], ['ok', 'ok', '']);
  }));

test('a list of permitted programs is honoured', () =>
  withFolder(async (folder) => {
    if (!isDeno) lacks('permissions for single programs');
    const allowed = outcomes(folder, flagsOf('true'));
    assert.equal(allowed['run'], 'ok');
    assert.equal(allowed['exec'], 'NotCapable');
    assert.equal(allowed['raw execve'], 'NotCapable');
  }));
