// The peers: which there are on this machine, and the command of each that prints a row's figure.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MODULES, subjects } from './subjects.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);
const modules = join(here, 'node_modules');
const built = join(root, 'build', 'bench');
const measure = join(here, 'measure.mjs');
const importer = join(here, 'import.mjs');

const BUN_ARCH = { x64: 'x64', arm64: 'aarch64' }[process.arch];
/** Where the packages have their programs; their scripts, which would link them, are not run. */
const PROGRAMS = {
  bun: [`@oven/bun-linux-${BUN_ARCH}/bin/bun`, `@oven/bun-linux-${BUN_ARCH}-baseline/bin/bun`],
  deno: [`@deno/linux-${process.arch}-glibc/deno`],
  newest: [`node-linux-${process.arch}/bin/node`],
};

function programOf(name) {
  return PROGRAMS[name].map((path) => join(modules, path)).find((path) => existsSync(path));
}

function versionOf(name) {
  try {
    return JSON.parse(readFileSync(join(modules, name, 'package.json'), 'utf8')).version;
  } catch {
    return undefined;
  }
}

/** A subject of subjects.mjs in a runtime. */
function inRuntime(runtime, subject) {
  return (row, scale) => {
    if (row === 'command') return undefined;
    if (row === 'import') return MODULES[subject] && [...runtime, importer, MODULES[subject]];
    return [...runtime, measure, row, subject, String(scale)];
  };
}

/** What the rows of launches are in a program that takes HOW LANES MS. */
const LOOPS = {
  'launch-16': ['run', '16'],
  'launch-1': ['run', '1'],
  sync: ['run', '1'],
  output: ['output', '4'],
};

function loops(program, rows = LOOPS) {
  return (row, scale) => rows[row] && [...program, ...rows[row], String(1500 * scale)];
}

/** Builds a program into build/bench; throws with the compiler's words. */
function build(name, command) {
  const file = join(built, name);
  mkdirSync(built, { recursive: true });
  execFileSync(command[0], [...command.slice(1), file], { stdio: ['ignore', 'ignore', 'pipe'] });
  return file;
}

const source = (name) => join(here, 'native', name);

const compiled = {
  go: () => {
    const words = ['go', 'build', '-o'];
    const file = join(built, 'loops-go');
    mkdirSync(built, { recursive: true });
    execFileSync(words[0], [...words.slice(1), file, source('loops.go')], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, GO111MODULE: 'off', GOFLAGS: '' },
    });
    return [['go', loops([file])]];
  },
  c: () => {
    const file = build('loops-c', [process.env.CC ?? 'cc', '-O2', source('loops.c'), '-o']);
    // As many loops as processors: more of them launch no more.
    const all = String(Math.max(2, availableParallelism()));
    const vfork = { 'launch-16': ['vfork', all], 'launch-1': ['vfork', '1'] };
    return [
      ['c, vfork', loops([file], vfork)],
      ['c, posix_spawn', loops([file], { sync: ['posix_spawn', '1'] })],
    ];
  },
  /** No library is faster than one that only reads. */
  kernel: () => {
    const file = build('terminal-c', [process.env.CC ?? 'cc', '-O2', source('terminal.c'), '-o']);
    const words = (row, scale) => row === 'terminal' && [file, String(64e6 * scale)];
    return [['c, only reads', (row, scale) => words(row, scale) || undefined]];
  },
  python: () => {
    execFileSync('python3', ['-c', '0'], { stdio: 'pipe' });
    return [['python', loops(['python3', source('loops.py')])]];
  },
};

/** By name, in the order of the tables: each returns the peers it has, or throws why there are none. */
const FINDERS = {
  forkexec: () => {
    const bin = join(root, 'bin', 'forkexec.js');
    const own = inRuntime([process.execPath, '--expose-gc'], 'forkexec');
    const command = [bin, 'run', '--', 'true'];
    return [['forkexec', (row, scale) => (row === 'command' ? command : own(row, scale))]];
  },
  newest: () => {
    const program = programOf('newest');
    if (program === undefined) throw new Error(`no node-linux-${process.arch}`);
    const version = versionOf(`node-linux-${process.arch}`).split('.')[0];
    return ['forkexec', 'child_process'].map((subject) => [
      `${subject}, Node ${version}`,
      inRuntime([program, '--expose-gc'], subject),
    ]);
  },
  node: () => [['node', (row) => (row === 'command' ? [process.execPath, '-e', '0'] : undefined)]],
  ...Object.fromEntries(
    Object.keys(subjects)
      .filter((name) => !['forkexec', 'bun', 'deno'].includes(name))
      .map((name) => [
        name,
        () => {
          const isPackage = !['child_process', 'shell'].includes(name);
          if (isPackage && versionOf(name) === undefined) throw new Error('not installed');
          return [[name, inRuntime([process.execPath, '--expose-gc'], name)]];
        },
      ]),
  ),
  ...Object.fromEntries(
    Object.entries({ bun: [], deno: ['run', '--allow-all', '--quiet', '--no-lock'] }).map(
      ([name, words]) => [
        name,
        () => {
          const program = programOf(name);
          if (program === undefined) throw new Error('not installed');
          return [[name, inRuntime([program, ...words], name)]];
        },
      ],
    ),
  ),
  ...compiled,
};

/** The peers that are there, and those that are not; `wanted` are names beside forkexec. */
export function findPeers(wanted) {
  const peers = [];
  const absent = [];
  for (const [name, find] of Object.entries(FINDERS)) {
    if (wanted !== undefined && name !== 'forkexec' && !wanted.includes(name)) continue;
    try {
      for (const [peer, words] of find()) peers.push({ name: peer, words });
    } catch (error) {
      const why = String(error.stderr || error.message).trim();
      absent.push({ name, why: why.split('\n')[0].slice(0, 80) });
    }
  }
  return { peers, absent };
}
