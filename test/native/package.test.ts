import assert from 'node:assert/strict';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '#dist/index.js';
import { needsLinux } from '../helpers/backend.js';
import { needsPackagesByName } from '../helpers/runtime.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

interface Target {
  readonly types: string;
  readonly default: string;
}

interface Manifest {
  readonly scripts: Record<string, string>;
  readonly bin: Record<string, string>;
  readonly exports: Record<string, Record<'import' | 'default', Target> | string>;
}

/** Packs this package and unpacks it where a program would find it; resolves to the folder. */
async function unpacked(folder: string): Promise<string> {
  await run(join(root, 'scripts/build-prebuilds'), ['--own'], { cwd: root });
  // Without its scripts: prepack has been run.
  const words = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const { stdout } = await run('npm', words, { cwd: root });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  const place = join(folder, 'node_modules', '@forkexec', 'core');
  mkdirSync(place, { recursive: true });
  await run('tar', ['-xzf', join(folder, basename(filename)), '-C', place, '--strip-components=1']);
  symlinkSync(join(root, 'node_modules/commander'), join(folder, 'node_modules/commander'));
  return place;
}

test(
  'the published package works unpacked, without a build or an install script',
  () =>
    withFolder(async (folder) => {
      needsLinux('A published addon');
      needsPackagesByName(folder);
      const place = await unpacked(folder);
      const manifest = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8')) as Manifest;
      for (const name of ['preinstall', 'install', 'postinstall', 'prepublish', 'prepare']) {
        assert.equal(manifest.scripts[name], undefined, `npm blocks the script ${name}`);
      }
      const { stdout: files } = await run('find', ['.', '-type', 'f'], { cwd: place, lines: true });
      assert.deepEqual(
        files.filter((file) => /binding\.gyp$|^\.\/(src|test|build|native)\//.test(file)),
        [],
      );
      for (const [entry, target] of Object.entries(manifest.exports)) {
        if (typeof target !== 'object') continue;
        if (target.import === undefined) {
          // One file for `import` and `require`, which exports nothing.
          for (const file of Object.values(target)) readFileSync(join(place, String(file)));
          continue;
        }
        for (const { types } of [target.import, target.default]) readFileSync(join(place, types));
        const name = join('@forkexec/core', entry);
        const program = `import { createRequire } from 'node:module';
          const imported = await import('${name}');
          const required = createRequire(import.meta.url)('${name}');
          // What a runtime's module lacks, imports have as undefined: Bun's has no _forkChild.
          console.log(Object.keys(imported).filter((name) =>
            name !== 'default' && imported[name] !== undefined).length, Object.keys(required).every((name) =>
            imported[name] === required[name]) && Object.keys(required).length);`;
        writeFileSync(join(folder, 'program.mjs'), program);
        const { stdout } = await run(process.execPath, ['program.mjs'], { cwd: folder });
        assert.match(stdout, /^([1-9]\d*) \1$/, name);
      }
      const command = join(place, manifest.bin['forkexec'] as string);
      assert.equal((await run(command, ['run', '--', 'echo', 'hello'])).stdout, 'hello');
    }),
  { timeout: 120_000 },
);

const target = `linux-${process.arch}`;

test('the published addon loads with the oldest glibc that Node 20 supports', async () => {
  needsLinux('A published addon');
  await run(join(root, 'scripts/build-prebuilds'), ['--own'], { cwd: root });
  const words = [join(root, 'scripts/check-addons.mjs'), target];
  const { stdout, stderr } = await run('node', words, { reject: false });
  assert.equal(stdout + stderr, '', 'no newer glibc, no libutil, NODELETE, Node-API 8');
  const { stdout: symbols } = await run('objdump', ['-T', `prebuilds/${target}.node`], {
    cwd: root,
  });
  const versions = [...symbols.matchAll(/GLIBC_2\.(\d+)/g)].map(([, minor]) => Number(minor));
  assert.ok(versions.length > 0 && Math.max(...versions) <= 28, `glibc 2.${Math.max(...versions)}`);
});

test('an addon that Node would unload with a Worker is not published', () =>
  withFolder(async (folder) => {
    needsLinux('A published addon');
    const other = join(root, 'build', 'test', 'helpers', 'foreign.node');
    copyFileSync(other, join(folder, `${target}.node`));
    const words = [join(root, 'scripts/check-addons.mjs'), '--in', folder];
    const { stderr, status } = await run('node', words, { reject: false });
    assert.equal(status.code, 1);
    assert.match(stderr, /lacks NODELETE/);
  }));

test('a file that the package publishes and that is missing is named before it is packed', () =>
  withFolder(async (folder) => {
    needsPackagesByName(folder);
    for (const part of ['scripts', 'bin', 'lib', 'docs', 'prebuilds']) {
      cpSync(join(root, part), join(folder, part), { recursive: true });
    }
    for (const part of ['package.json', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md']) {
      copyFileSync(join(root, part), join(folder, part));
    }
    // A checkout has the addon of its own system alone.
    const code = readFileSync(join(folder, 'lib', 'all.cjs'), 'utf8');
    for (const [addon] of code.matchAll(/prebuilds\/[\w-]+\.node/g)) {
      writeFileSync(join(folder, addon), '', { flag: 'a' });
    }
    const check = () => run('node', ['scripts/check-package.mjs'], { cwd: folder, reject: false });
    assert.equal((await check()).stderr, '', 'all is there');
    rmSync(join(folder, 'lib', 'all.cjs'));
    writeFileSync(join(folder, 'lib', 'left.js'), '');
    const { stderr, status } = await check();
    assert.equal(status.code, 1);
    assert.match(stderr, /^lib\/all\.cjs is missing: npm run build$/m);
    assert.match(stderr, /^lib\/left\.js is loaded by nothing$/m);
  }));

test('each class of the bundle is shown by the name that it is exported by', async () => {
  let classes = 0;
  for (const entry of ['index.js', 'process.js', 'signal.js', 'syscall.js']) {
    const exported = (await import(new URL(entry, `file://${join(root, 'lib')}/`).href)) as object;
    for (const [name, value] of Object.entries(exported)) {
      if (typeof value !== 'function' || !/^class\b/.test(String(value))) continue;
      classes++;
      assert.equal(value.name, name);
    }
  }
  assert.ok(classes > 5);
});
