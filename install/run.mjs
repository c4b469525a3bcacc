// Installs the package as it is published, with each package manager, into bundles, test runners and
// type checks, and prints a table: `npm run test:install`, and `-- --help`.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bundlers } from './bundlers.mjs';
import { managers } from './managers.mjs';
import { begin, end, here, root, versionOf } from './project.mjs';
import { runners } from './runners.mjs';
import { types } from './types.mjs';

const HELP = `install/run.mjs [--tarball FILE] [PART…]
  --tarball FILE   the package, instead of what npm pack makes of this clone
  --keep           leaves the projects, and says where they are
  PART             only cases with one of these words in their names`;

const { values: options, positionals: parts } = parseArgs({
  options: {
    tarball: { type: 'string' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
if (options.help) {
  console.log(HELP);
  process.exit();
}

function must(file, words, cwd) {
  const { status } = spawnSync(file, words, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new Error(`${file} ${words.join(' ')} failed in ${cwd}`);
}

/** The tools, each at the version of the lock file. */
function installTools() {
  const lock = JSON.parse(readFileSync(join(here, 'package-lock.json'), 'utf8'));
  const names = Object.keys(lock.packages[''].dependencies);
  const isThere = names.every((name) => {
    const manifest = join(here, 'node_modules', name, 'package.json');
    const { version } = lock.packages[`node_modules/${name}`];
    return (
      existsSync(manifest) &&
      JSON.parse(readFileSync(manifest, 'utf8')).version.replace(/^v/, '') ===
        version.replace(/^v/, '')
    );
  });
  if (isThere) return;
  // Tools lie in their packages as they are: no script has to run. Not `npm ci`: npm 11.19 refuses a lock that
  // lacks optional packages of other systems, and a registry need not have them all.
  const flags = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  must('npm', ['install', ...flags], here);
}

function pack() {
  const place = mkdtempSync(join(tmpdir(), 'forkexec-pack-'));
  must('npm', ['pack', '--loglevel=error', '--pack-destination', place], root);
  const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return { place, file: join(place, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`) };
}

installTools();
const packed = options.tarball === undefined ? pack() : undefined;
const { folder } = begin(packed?.file ?? options.tarball);

const groups = {
  'package managers': managers,
  bundlers,
  'runtimes and test runners': runners,
  types,
};
const rows = [];
for (const [group, cases] of Object.entries(groups)) {
  for (const { name, of, add, check } of cases) {
    if (parts.length > 0 && !parts.some((part) => `${group} ${name}`.includes(part))) continue;
    const began = Date.now();
    let problem;
    try {
      await check();
    } catch (error) {
      problem = error.message;
    }
    const seconds = Math.round((Date.now() - began) / 1000);
    console.log(`${problem === undefined ? '✓' : '✗'} ${name} (${seconds} s)`);
    if (problem !== undefined) console.log(problem.replaceAll(/^/gm, '    '));
    rows.push({
      group,
      name,
      version: versionOf(of),
      add,
      result: problem === undefined ? 'runs' : 'fails',
    });
  }
}

for (const group of Object.keys(groups)) {
  const own = rows.filter((row) => row.group === group);
  if (own.length === 0) continue;
  console.log(`\n| ${group} | version | to add | result |\n|---|---|---|---|`);
  for (const { name, version, add, result } of own) {
    console.log(`| ${name} | ${version.replace(/^v/, '')} | ${add} | ${result} |`);
  }
}

if (options.keep) console.log(`\nthe projects are in ${folder}`);
else end();
if (packed !== undefined) rmSync(packed.place, { recursive: true });
const failures = rows.filter(({ result }) => result === 'fails').length;
console.log(`\n${rows.length - failures} of ${rows.length} run`);
process.exitCode = failures === 0 && rows.length > 0 ? 0 : 1;
