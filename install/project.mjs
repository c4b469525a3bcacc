// Projects in a temporary folder, each with the package as it is published.
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const here = dirname(fileURLToPath(import.meta.url));
export const root = dirname(here);
const modules = join(here, 'node_modules');

/** The newest Node, with which the tools are run unless a case says otherwise. */
export const node = join(modules, 'node-26', 'bin', 'node');
export const oldestNode = join(modules, 'node-20', 'bin', 'node');
export const bun = join(modules, '@oven', `bun-linux-${process.arch}`, 'bin', 'bun');
export const deno = join(modules, '@deno', `linux-${process.arch}-glibc`, 'deno');

/** The program of a tool that was installed. */
export function tool(path) {
  return join(modules, path);
}

export function versionOf(name) {
  return JSON.parse(readFileSync(join(modules, name, 'package.json'), 'utf8')).version;
}

const PATIENCE_MS = 300_000;
const SHOWN = 1500;

/** The folder of all projects, and what the package is taken from. */
let work;
let tarball;

export function begin(file) {
  work = mkdtempSync(join(tmpdir(), 'forkexec-install-'));
  tarball = join(work, 'forkexec-core.tgz');
  cpSync(file, tarball);
  // Where configuration files of projects find plugins and loaders; the package is not among them.
  symlinkSync(modules, join(work, 'node_modules'));
  return { folder: work, tarball };
}

export function theTarball() {
  return tarball;
}

export function end() {
  rmSync(work, { recursive: true, force: true });
}

/** Runs a program and returns what it printed; throws what it said if it failed. */
export function run(file, words, { cwd, env = {} } = {}) {
  const { status, signal, stdout, stderr, error } = spawnSync(file, words, {
    cwd,
    encoding: 'utf8',
    timeout: PATIENCE_MS,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      PATH: [dirname(node), process.env.PATH].join(delimiter),
      // Nothing of the npm that runs this.
      ...Object.fromEntries(
        Object.keys(process.env)
          .filter((k) => /^npm_/i.test(k))
          .map((k) => [k, undefined]),
      ),
      NO_COLOR: '1',
      FORCE_COLOR: undefined,
      CI: '1',
      NODE_OPTIONS: undefined,
      NODE_TEST_CONTEXT: undefined,
      DENO_NO_UPDATE_CHECK: '1',
      DENO_DIR: join(work, 'deno-cache'),
      ...env,
    },
  });
  if (error !== undefined) throw error;
  if (status !== 0) {
    const all = `${stdout}\n${stderr}`.trim();
    throw new Error(
      `${file} ${words.join(' ')}: ${signal ?? `exit ${status}`}\n${all.slice(-SHOWN)}`,
    );
  }
  return stdout;
}

/** A new folder with these files. */
export function folder(name, files = {}) {
  const place = mkdtempSync(join(work, `${name.replaceAll(/\W+/g, '-')}-`));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(place, path)), { recursive: true });
    writeFileSync(join(place, path), text);
  }
  return place;
}

/** A project that has the package in node_modules. */
export function project(name, files) {
  const place = folder(name, {
    'package.json': '{ "name": "project", "type": "module" }',
    ...files,
  });
  const scope = join(place, 'node_modules', '@forkexec');
  mkdirSync(scope, { recursive: true });
  run('tar', ['-xzf', tarball, '-C', scope]);
  renameSync(join(scope, 'package'), join(scope, 'core'));
  return place;
}

/** Moves what was built into an empty folder, and removes the project that it was built from. */
export function moved(place, out = 'out') {
  const empty = folder('moved');
  const target = join(empty, 'app');
  renameSync(join(place, out), target);
  rmSync(place, { recursive: true });
  return target;
}

/** What every program prints that could launch. */
export const SAID = 'hello true';

export function expectSaid(printed) {
  if (!printed.split('\n').includes(SAID)) throw new Error(`it printed ${JSON.stringify(printed)}`);
}

export const PROGRAM = `import { run } from '@forkexec/core';
import { getpid } from '@forkexec/core/syscall';
run('echo', ['hello']).then(({ stdout }) => console.log(stdout, getpid() === process.pid));
`;

export const REQUIRING = `const { run } = require('@forkexec/core');
const { getpid } = require('@forkexec/core/syscall');
run('echo', ['hello']).then(({ stdout }) => console.log(stdout, getpid() === process.pid));
`;
