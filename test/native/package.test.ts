import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
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
  await run(join(root, 'scripts/build-prebuilds'), [process.arch], { cwd: root });
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
        for (const { types } of [target.import, target.default]) readFileSync(join(place, types));
        const name = join('@forkexec/core', entry);
        const program = `import { createRequire } from 'node:module';
          const imported = await import('${name}');
          const required = createRequire(import.meta.url)('${name}');
          console.log(Object.keys(imported).length, Object.keys(required).every((name) =>
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

test('the published addon loads with the oldest glibc that Node 20 supports', async () => {
  needsLinux('A published addon');
  const file = join(root, `prebuilds/linux-${process.arch}.node`);
  await run(join(root, 'scripts/build-prebuilds'), [process.arch], { cwd: root });
  const { stdout } = await run('objdump', ['-T', file]);
  const versions = [...stdout.matchAll(/GLIBC_2\.(\d+)/g)].map(([, minor]) => Number(minor));
  assert.ok(versions.length > 0);
  assert.ok(Math.max(...versions) <= 28, `it needs glibc 2.${Math.max(...versions)}`);
});

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
