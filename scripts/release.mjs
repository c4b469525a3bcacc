// Makes a release: the version and the date of it in the changelog, a tag, and the package, which is
// checked and used as users will use it. A workflow publishes it once the tag is pushed.
//
// npm run release -- VERSION [--dry-run]
//   VERSION     1.2.3, or major, minor or patch
//   --dry-run   does all of it in a clone, which is removed: no commit and no tag are left
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values: options, positionals } = parseArgs({
  options: { 'dry-run': { type: 'boolean', default: false } },
  allowPositionals: true,
});
const isDry = options['dry-run'];

function fail(problem) {
  console.error(problem);
  process.exit(1);
}

function run(file, words, cwd) {
  console.log(`$ ${file} ${words.join(' ')}`);
  const { status, error } = spawnSync(file, words, {
    cwd,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) fail(`${file} ${words[0]} failed${error ? `: ${error.message}` : ''}`);
}

function read(file, words, cwd) {
  return spawnSync(file, words, { cwd, encoding: 'utf8' }).stdout.trim();
}

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** The version that is to be: `patch` of 0.1.0 is 0.1.1. */
function nextVersion(wanted = isDry ? 'patch' : '') {
  const steps = ['major', 'minor', 'patch'];
  if (/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(wanted)) return wanted;
  const step = steps.indexOf(wanted);
  if (step < 0) fail(`VERSION must be 1.2.3, major, minor or patch, not '${wanted}'.`);
  return manifest.version
    .split('-')[0]
    .split('.')
    .map((part, index) => (index < step ? part : index > step ? 0 : Number(part) + 1))
    .join('.');
}

/** Replaces a text that has to be there once. */
function replace(folder, path, text, by) {
  const file = join(folder, path);
  const before = readFileSync(file, 'utf8');
  if (before.split(text).length !== 2) fail(`${path} must have ${JSON.stringify(text)} once`);
  writeFileSync(file, before.replace(text, by));
}

function writeVersion(folder, version) {
  const date = new Date().toISOString().slice(0, 10);
  run('npm', ['version', version, '--no-git-tag-version', '--ignore-scripts'], folder);
  replace(folder, 'src/version.ts', `'${manifest.version}'`, `'${version}'`);
  replace(
    folder,
    'CHANGELOG.md',
    '## [Unreleased]\n',
    `## [Unreleased]\n\n## [${version}] - ${date}\n`,
  );
}

const version = nextVersion(positionals[0]);
const isPlaceholder = JSON.stringify(manifest.repository).includes('forkexec.invalid');
if (!isDry && isPlaceholder)
  fail('package.json: give repository, homepage and bugs their address first');
if (!isDry && read('git', ['status', '--porcelain'], root) !== '')
  fail('commit what is changed first');
if (read('git', ['tag', '--list', `v${version}`], root) !== '') fail(`there is a tag v${version}`);

/** Where the release is made: this clone, or one that is thrown away. */
function clone() {
  const place = mkdtempSync(join(tmpdir(), 'forkexec-release-'));
  run('git', ['clone', '--quiet', root, place], root);
  run('npm', ['ci', '--no-audit', '--no-fund'], place);
  // Tools of hundreds of megabytes: those of this clone, where they have been installed.
  for (const tools of ['install/node_modules', 'build/zig']) {
    if (existsSync(join(root, tools))) symlinkSync(join(root, tools), join(place, tools));
  }
  return place;
}

const folder = isDry ? clone() : root;
const packages = mkdtempSync(join(tmpdir(), 'forkexec-packages-'));
try {
  writeVersion(folder, version);
  run('npm', ['pack', '--loglevel=error', '--pack-destination', packages], folder);
  const name = manifest.name.replace('@', '').replace('/', '-');
  const tarball = join(packages, `${name}-${version}.tgz`);
  run('node', ['scripts/check-addons.mjs'], folder);
  // publint and attw, and everything that a user would do with it.
  run('node', ['install/run.mjs', '--tarball', tarball], folder);
  run('git', ['add', '--all'], folder);
  run('git', ['commit', '--quiet', '--message', `Release ${version}`], folder);
  run('git', ['tag', '--annotate', '--message', `Version ${version}`, `v${version}`], folder);
  run('npm', ['publish', '--dry-run', '--ignore-scripts', tarball], folder);
  console.log(
    isDry ? `Version ${version} could be released.` : `Push the tag: git push --follow-tags`,
  );
} finally {
  rmSync(packages, { recursive: true });
  if (isDry) rmSync(folder, { recursive: true });
}
