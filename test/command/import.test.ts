// What importing the package brings. `#dist` has a file for each module; what is published under the
// names of the entry points is lib/, where all of them are one.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '#dist/index.js';
import { tables } from '#dist/syscall.js';
import { lacks, test } from '../helpers/test.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const ENTRIES = ['', '/process', '/signal', '/syscall'];

/** Where an entry point is, published and as modules. */
function filesOf(entry: string): [published: string, modules: string] {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const published: string = manifest.exports[`.${entry}`].import.default;
  const folder = /\/(?:index|syscall)\.js$/.test(published) ? '' : '/index';
  const modules = published.replace('/lib/', '/dist/').replace('.js', `${folder}.js`);
  return [join(root, published), join(root, modules)];
}

/** An import as tsc writes it, or without white space. */
const IMPORT = /(?:^|;)(?:import|export)(?:[^'"=;()]*?from)?\s*["']([^'"]+)["']/gm;

/** What is loaded, or is loaded when it is first used. */
const REQUIRED = /\brequire\(["']([^"']+)["']\)/g;

/** The files that one imports with all that these import, and what else is imported. */
function graphOf(start: string): { files: Set<string>; others: Set<string> } {
  const files = new Set<string>();
  const others = new Set<string>();
  const visit = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    const text = readFileSync(file, 'utf8');
    for (const [, name] of [...text.matchAll(IMPORT), ...text.matchAll(REQUIRED)]) {
      if (name?.endsWith('.node')) continue;
      if (name?.startsWith('.')) visit(join(dirname(file), name));
      else others.add(name as string);
    }
    assert.doesNotMatch(text, /\bimport\(/, `${file} imports something later`);
  };
  visit(start);
  return { files, others };
}

test('importing forkexec loads only its own file and modules of Node', () => {
  for (const entry of ENTRIES) {
    for (const file of filesOf(entry)) {
      const { others } = graphOf(file);
      assert.ok(others.has('node:fs'), `${file}: ${[...others]}`);
      for (const name of others) {
        assert.match(name, /^node:/, file);
        assert.ok(builtinModules.includes(name.slice('node:'.length)), name);
      }
    }
  }
});

test('importing forkexec loads no slow module of the runtime', async () => {
  const [published] = filesOf('');
  const code = `await import(${JSON.stringify(published)});
    process._rawDebug(process.moduleLoadList.join(' '));`;
  const words = ['--input-type=module', '--eval', code];
  const { stderr } = await run(process.execPath, words, { reject: false });
  if (!stderr.includes('NativeModule ')) return lacks('process.moduleLoadList');
  for (const name of [
    'perf_hooks',
    'child_process',
    'tty',
    'crypto',
    'internal/crypto/webcrypto',
  ]) {
    assert.ok(!stderr.split(' ').includes(name), name);
  }
});

/** The entry point for `import`, that for `require`, the code, and the constants of other systems. */
const MOST_FILES = 5;

test('each published entry point is one file with the exports of the modules', async () => {
  for (const entry of ENTRIES) {
    const [published, modules] = filesOf(entry);
    const files = [...graphOf(published).files];
    assert.ok(files.length <= MOST_FILES, `${entry}: ${files}`);
    assert.ok(entry !== '' || graphOf(modules).files.size > 20);
    const [found, wanted] = [await import(published), await import(modules)];
    assert.deepEqual(Object.keys(found).sort(), Object.keys(wanted).sort(), entry);
    for (const [name, value] of Object.entries(found)) {
      if (typeof value === 'function') assert.equal(value.name, wanted[name].name, name);
    }
  }
  const [syscall] = filesOf('/syscall');
  const other = (await import(syscall)) as { tables: typeof tables };
  for (const system of ['darwin', 'freebsd'] as const) {
    assert.deepEqual(other.tables[system], { ...tables[system] });
    assert.equal(other.tables[system], other.tables[system], 'it is read once');
  }
});

test('classes that two entry points export are identical', async () => {
  const [forkexec, process, signal, syscall] = await Promise.all(
    ENTRIES.map(async (entry) => (await import(filesOf(entry)[0])) as Record<string, unknown>),
  );
  assert.ok(forkexec && process && signal && syscall);
  let common = 0;
  for (const [name, value] of Object.entries(forkexec)) {
    if (!(name in process)) continue;
    assert.equal(process[name], value, name);
    common++;
  }
  assert.ok(common > 0, 'LaunchError is one of them');
  const { runSync, LaunchError } = forkexec as typeof import('#dist/index.js');
  assert.throws(() => runSync('/no/such/program'), LaunchError);
});

test('an uncaught error prints its message, not the bundled file', async () => {
  const code = `import { run } from ${JSON.stringify(filesOf('')[0])};
    await run('true', [], { cwd: '/no/such' });`;
  const words = ['--input-type=module', '--eval', code];
  const { stderr, status } = await run(process.execPath, words, { reject: false });
  assert.equal(status.code, 1);
  assert.match(stderr, /^(error: .* )?LaunchError: chdir\("\/no\/such"\): ENOENT: /m);
  for (const line of stderr.split('\n')) assert.ok(line.length < 200, line);
});
