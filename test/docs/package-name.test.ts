// The unscoped name on npm belongs to another project: no page may lead a reader to it.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { version } from '#dist/version.js';
import { test } from '../helpers/test.js';
import { linksOf, pages, root, textOf } from './pages.js';

interface Manifest {
  readonly files: readonly string[];
}

/** Each takes a package of the name `forkexec`, or of a path in it, from npm. */
const OLD_NAME: readonly RegExp[] = [
  // npm i forkexec, yarn add -D forkexec, bun add forkexec@1, deno add npm:forkexec
  /\b(?:npm|pnpm|yarn|bun|deno)\s+(?:i|install|add|exec|x|dlx|create)\b[^\n`|&;]*?(?<=\s)(?:npm:)?forkexec(?![\w/-])/g,
  // npx forkexec, but not npx -p @forkexec/core forkexec
  /\b(?:npx|bunx|pnpx)\s+(?:-y\s+|--yes\s+)*(?:--\s+)?forkexec\b/g,
  /(?:\bfrom|\bimport|\brequire\(|\bimport\(|\bresolve\()\s*(['"`])(?:npm:)?forkexec(?:\/[\w-]+)*\1/g,
  /npm:forkexec\b/g,
  // "forkexec": "file:../.." of a manifest
  /"forkexec":\s*"(?:file|link|workspace|\^|~|\d|\*|latest|npm)[^"]*"/g,
  // An entry point as a page names it.
  /(?<![\w./@-])forkexec\/(?:process|signal|syscall|terminal|batch|child_process|node-pty|register|package\.json)\b/g,
];

function namesIn(text: string): string[] {
  return OLD_NAME.flatMap((pattern) => [...text.matchAll(pattern)].map(([found]) => found));
}

/** All that is read or copied: pages, examples, sources with their comments and messages. */
function files(): string[] {
  const under = (folder: string) => {
    const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
    return names
      .filter((name) => /\.(?:md|[cm]?[jt]s|json|html)$/.test(name))
      .filter((name) => !name.includes('node_modules/') && !name.endsWith('package-lock.json'))
      .map((name) => join(folder, name));
  };
  const folders = ['docs', 'examples', 'src', 'bin', 'bench', 'scripts', 'test'];
  const here = join('test', 'docs', 'package-name.test.ts');
  return [...new Set([...pages, 'package.json', ...folders.flatMap(under)])].filter(
    (file) => file !== here,
  );
}

test('no file installs, runs or imports the package of another project', () => {
  const all = files();
  assert.ok(all.length > 300, `${all.length} files`);
  const found = all.flatMap((file) => namesIn(textOf(file)).map((name) => `${file}: ${name}`));
  assert.deepEqual(found, []);
});

test('each way to install, run or import the unscoped name is recognized', () => {
  const bad = [
    'npm i forkexec',
    'npm install --save-dev forkexec',
    'pnpm add forkexec@1',
    'deno add npm:forkexec',
    '$ npx forkexec run -- true',
    'npx --yes forkexec doctor',
    'bunx forkexec',
    'npm exec -- forkexec run',
    "import { run } from 'forkexec';",
    'await import("forkexec/process")',
    "require('forkexec')",
    '"forkexec": "file:../.."',
    '"forkexec": "^1.0.0"',
    'see `forkexec/signal`',
  ];
  for (const text of bad) assert.notDeepEqual(namesIn(text), [], text);
  const good = [
    'npm i @forkexec/core',
    'npx -p @forkexec/core forkexec run -- true',
    "import { run } from '@forkexec/core';",
    "import { run } from '@forkexec/core/process';",
    'node_modules/.bin/forkexec node app.js',
    '"forkexec": "bin/forkexec.js"',
    'npm ci && bin/forkexec.js run',
  ];
  for (const text of good) assert.deepEqual(namesIn(text), [], text);
});

test('the manifest names the package, its command and where it comes from', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  assert.equal(manifest.name, '@forkexec/core');
  assert.deepEqual(manifest.bin, { forkexec: 'bin/forkexec.js' });
  for (const field of ['repository', 'homepage', 'bugs', 'keywords']) {
    assert.ok(manifest[field] !== undefined, field);
  }
});

test('the version in the sources is that of the manifest', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  assert.equal(version, manifest.version);
});

test('every page that a packed page links to is packed', () => {
  const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
  const packed = (path: string) =>
    ['README.md', 'LICENSE', ...files].some((file) => path === file || path.startsWith(`${file}/`));
  const targets = pages.filter(packed).flatMap((page) =>
    linksOf(page)
      .map((target) => target.split('#')[0] as string)
      .filter((target) => target.endsWith('.md') || target === 'LICENSE')
      .map((target) => normalize(join(dirname(page), target))),
  );
  assert.ok(targets.includes('CONTRIBUTING.md') && targets.includes('docs/quick-start.md'));
  assert.deepEqual(
    targets.filter((target) => !packed(target)),
    [],
  );
});
