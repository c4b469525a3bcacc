// Package managers: each installs the packed package into a fresh project, where a program runs.
import { join } from 'node:path';
import {
  bun,
  deno,
  expectSaid,
  folder,
  node,
  PROGRAM,
  REQUIRING,
  run,
  theTarball,
  tool,
} from './project.mjs';

/** A project that depends on the tarball and has not been installed. */
function fresh(name, more = {}) {
  const manifest = {
    name: 'project',
    version: '1.0.0',
    private: true,
    type: 'module',
    dependencies: { '@forkexec/core': `file:${theTarball()}` },
    ...more,
  };
  return folder(name, {
    'package.json': JSON.stringify(manifest),
    'main.js': PROGRAM,
    'main.cjs': REQUIRING,
  });
}

function runBoth(place, binary = node, words = []) {
  for (const file of ['main.js', 'main.cjs']) {
    expectSaid(run(binary, [...words, file], { cwd: place }));
  }
}

/** The command, as the package manager links it. */
function runCommand(place) {
  const printed = run('node_modules/.bin/forkexec', ['run', '--', 'echo', 'hello'], { cwd: place });
  if (printed !== 'hello\n') throw new Error(`the command printed ${JSON.stringify(printed)}`);
}

function npm(of) {
  const place = fresh(of);
  const cli = tool(`${of}/bin/npm-cli.js`);
  run(node, [cli, 'install', '--no-audit', '--no-fund', `--cache=${join(place, 'cache')}`], {
    cwd: place,
  });
  runBoth(place);
  runCommand(place);
}

function pnpm() {
  const place = fresh('pnpm');
  const words = ['install', `--store-dir=${join(place, 'store')}`];
  run(node, [tool('pnpm/bin/pnpm.mjs'), ...words], { cwd: place });
  runBoth(place);
  runCommand(place);
}

function yarnClassic() {
  const place = fresh('yarn');
  const words = ['install', '--no-lockfile', '--cache-folder', join(place, 'cache')];
  run(node, [tool('yarn/bin/yarn.js'), ...words], { cwd: place });
  runBoth(place);
  runCommand(place);
}

/** With Plug'n'Play, which has no node_modules. */
function yarnBerry() {
  const place = fresh('berry');
  const yarn = tool('@yarnpkg/cli-dist/bin/yarn.js');
  const env = {
    YARN_ENABLE_GLOBAL_CACHE: 'false',
    YARN_ENABLE_TELEMETRY: '0',
    YARN_ENABLE_IMMUTABLE_INSTALLS: 'false',
    YARN_NODE_LINKER: 'pnp',
  };
  run('touch', ['yarn.lock'], { cwd: place });
  run(node, [yarn, 'install'], { cwd: place, env });
  for (const file of ['main.js', 'main.cjs']) {
    expectSaid(run(node, [yarn, 'node', file], { cwd: place, env }));
  }
}

function bunInstall() {
  const place = fresh('bun');
  run(bun, ['install', `--cache-dir=${join(place, 'cache')}`], { cwd: place });
  runBoth(place, bun);
  runCommand(place);
}

/** Deno takes packages of npm from a folder that another manager has filled. */
function denoRun() {
  const place = fresh('deno');
  const cli = tool('npm-12/bin/npm-cli.js');
  run(node, [cli, 'install', '--no-audit', '--no-fund', `--cache=${join(place, 'cache')}`], {
    cwd: place,
  });
  const allowed = ['--allow-ffi', '--allow-run', '--allow-env', '--allow-sys=uid,gid'];
  const words = ['run', '--no-prompt', '--node-modules-dir=manual', ...allowed];
  runBoth(place, deno, words);
}

export const managers = [
  ['npm 11', 'npm-11', 'nothing', () => npm('npm-11')],
  ['npm 12', 'npm-12', 'nothing', () => npm('npm-12')],
  ['pnpm', 'pnpm', 'nothing', pnpm],
  ['yarn classic', 'yarn', 'nothing', yarnClassic],
  ["yarn berry, Plug'n'Play", '@yarnpkg/cli-dist', 'nothing', yarnBerry],
  ['bun install', 'bun', 'nothing', bunInstall],
  [
    'deno, with node_modules of npm',
    'deno',
    '`--node-modules-dir=manual` and the [flags of Deno](#permissions)',
    denoRun,
  ],
].map(([name, of, add, check]) => ({ name, of, add, check }));
