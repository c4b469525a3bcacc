// The published package for `require`, with the state of the one for `import`.

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Result, run } from '#dist/index.js';
import { needsLinux } from '../helpers/backend.js';
import { patience } from '../helpers/patience.js';
import { needsPackagesByName } from '../helpers/runtime.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Runs a program beside whose node_modules this package is, and expects it to succeed. */
async function runIn(folder: string, name: string, text: string): Promise<string> {
  writeFileSync(join(folder, name), text);
  const { stdout } = await run(process.execPath, [name], {
    cwd: folder,
    timeout: patience(60_000),
  });
  return stdout;
}

function withPackage(body: (folder: string) => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    needsPackagesByName(folder);
    mkdirSync(join(folder, 'node_modules', '@forkexec'), { recursive: true });
    symlinkSync(root, join(folder, 'node_modules', '@forkexec', 'core'));
    await body(folder);
  });
}

test('a CommonJS program requires every entry point and runs a command', () =>
  withPackage(async (folder) => {
    const program = `
      const { run, LaunchError } = require('@forkexec/core');
      const { startProcess } = require('@forkexec/core/process');
      const { table } = require('@forkexec/core/signal');
      const { getpid } = require('@forkexec/core/syscall');
      require('@forkexec/core/terminal');
      require('@forkexec/core/node-pty');
      run('echo', ['hello']).then(async ({ stdout }) => {
        const error = await run('/no/such').catch((error) => error);
        console.log(stdout, error instanceof LaunchError, typeof startProcess, table.length > 30,
          getpid() === process.pid);
      });`;
    assert.equal(await runIn(folder, 'program.cjs', program), 'hello true function true true');
  }));

test('import and require give the same functions, classes and state', () =>
  withPackage(async (folder) => {
    const program = `
      import { createRequire } from 'node:module';
      import * as imported from '@forkexec/core';
      import { notify } from '@forkexec/core/signal';
      const require = createRequire(import.meta.url);
      const required = require('@forkexec/core');
      const error = await required.run('/no/such').catch((error) => error);
      const same = Object.keys(imported).filter((name) => imported[name] !== required[name]);
      const addons = Object.keys(require.cache).filter((file) => file.endsWith('.node'));
      const signals = notify('SIGUSR2');
      const again = require('@forkexec/core/signal').notify('SIGUSR2');
      process.kill(process.pid, 'SIGUSR2');
      const names = [];
      for (const stream of [signals, again]) {
        for await (const { signal } of stream) { names.push(signal); break; }
      }
      console.log(error instanceof imported.LaunchError, same.length, addons.length, names.join());`;
    assert.equal(await runIn(folder, 'program.mjs', program), 'true 0 1 SIGUSR2,SIGUSR2');
  }));

test('test frameworks can replace members of what require gives', () =>
  withPackage(async (folder) => {
    const program = `
      const forkexec = require('@forkexec/core');
      const { run } = forkexec;
      forkexec.run = () => 'replaced';
      console.log(require('@forkexec/core').run(), typeof run);`;
    assert.equal(await runIn(folder, 'program.cjs', program), 'replaced function');
  }));

test('importing every entry point does not load the addon, and the first launch does', () =>
  withPackage(async (folder) => {
    needsLinux('/proc/self/maps');
    const program = `
      import { readFileSync } from 'node:fs';
      import { spawn } from '@forkexec/core';
      import '@forkexec/core/process';
      import '@forkexec/core/signal';
      import '@forkexec/core/syscall';
      import '@forkexec/core/terminal';
      const isLoaded = () => /\\/prebuilds\\/.*\\.node$/m.test(readFileSync('/proc/self/maps', 'latin1'));
      const before = isLoaded();
      await (await spawn('true')).exited;
      console.log(before, isLoaded());`;
    assert.equal(await runIn(folder, 'program.mjs', program), 'false true');
  }));

test('the bundle has the constants of both architectures of Linux', () =>
  withPackage(async (folder) => {
    for (const arch of ['x64', 'arm64']) {
      const program = `
        Object.defineProperty(process, 'platform', { value: 'linux' });
        Object.defineProperty(process, 'arch', { value: '${arch}' });
        const assert = require('node:assert/strict');
        const { O, SYS, E, E_MESSAGE, LAYOUT, TIOC } = require('@forkexec/core/syscall');
        import(${JSON.stringify(join(root, 'dist', 'syscall', `linux-${arch}.js`))}).then((own) => {
          const keys = (table) => Object.entries(table);
          for (const [name, table] of Object.entries({ O, SYS, E, E_MESSAGE, LAYOUT, TIOC })) {
            if (name === 'SYS' && process.env.FORKEXEC_BACKEND === 'posix') continue;
            assert.deepEqual(keys(table), keys(own[name]), name);
          }
          console.log(SYS.openat);
        });`;
      const stdout = await runIn(folder, `${arch}.cjs`, program);
      assert.match(stdout, /^\d+$/, arch);
    }
  }));

/** Runs a program that launches, where the addon is not where it should be. */
async function launchWithout(
  folder: string,
  env: Record<string, string | undefined>,
): Promise<Result> {
  for (const part of ['lib', 'package.json']) {
    cpSync(join(root, part), join(folder, part), { recursive: true });
  }
  const program = `require('./lib/index.cjs').run('echo', ['hello']).then(({ stdout }) => console.log(stdout))`;
  return run(process.execPath, ['-e', program], { cwd: folder, env, reject: false });
}

test('FORKEXEC_ADDON names the file of the addon', () =>
  withFolder(async (folder) => {
    const target = `${process.platform}-${process.arch}`;
    const built = process.env['FORKEXEC_ADDON'] ?? join(root, 'prebuilds', `${target}.node`);
    const addon = join(folder, 'elsewhere.node');
    cpSync(built, addon);
    const { stdout, stderr } = await launchWithout(folder, { FORKEXEC_ADDON: addon });
    assert.deepEqual([stdout, stderr], ['hello', '']);
  }));

test('a missing addon is an error that names the system and asks whether the program is bundled', () =>
  withFolder(async (folder) => {
    const unset = { FORKEXEC_ADDON: undefined, FORKEXEC_BACKEND: undefined };
    const { stderr, status } = await launchWithout(folder, unset);
    assert.equal(status.code, 1);
    assert.match(stderr, /forkexec has no native addon for \w+-\w+(-musl)?: Cannot find module/);
    assert.match(stderr, /Is it bundled\? docs\/using-it\.md of the package @forkexec\/core says/);
  }));
