// Runs the compiled tests on every runtime that the library is for: each from its npm package, in
// build/runtimes, so that the root install stays small.
//
// scripts/test-runtimes.mjs [RUNTIME…] [-- PART…]
//   RUNTIME   only these: `node-26`, `node` for all of Node, `bun`, `deno`
//   PART      only test files with one of these in their name
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, 'build', 'runtimes');
const built = join(root, 'build', 'test');
/** A file that takes longer hangs; scripts/test-terminals.mjs repeats one for longer. */
const FILE_TIMEOUT_MS = Number(process.env.FORKEXEC_TEST_FILE_MINUTES ?? 6) * 60_000;
/** Bun gives a test 5 s otherwise; what a test asks for itself goes before this. */
const TEST_TIMEOUT_MS = 120_000;
const SHOWN_LINES = 12;

const bunArch = process.arch === 'arm64' ? 'aarch64' : process.arch;

function node(version) {
  const name = `node-linux-${process.arch}`;
  return {
    name: `node-${version.split('.')[0]}`,
    package: name,
    version,
    binary: `${name}/bin/node`,
    test: (file, report) => [
      ...['--test', '--test-concurrency=1'],
      ...['--test-reporter=junit', `--test-reporter-destination=${report}`],
      ...['--test-reporter=spec', '--test-reporter-destination=stdout'],
      file,
    ],
    run: (file) => [file],
  };
}

function deno(binary) {
  return ['run', '-A', '--no-check', '--no-lock', asNode(binary)];
}

function importMap() {
  const place = join(folder, 'deno', 'imports.json');
  const runner = pathToFileURL(join(built, 'runtimes', 'node-test.js')).href;
  writeFileSync(place, JSON.stringify({ imports: { 'node:test': runner } }));
  return place;
}

const RUNTIMES = [
  node('20.20.2'),
  node('22.23.3'),
  node('24.21.0'),
  node('26.10.0'),
  {
    name: 'bun',
    package: 'bun',
    version: '1.4.5',
    binary: `@oven/bun-linux-${bunArch}/bin/bun`,
    test: (file, report) => [
      ...['test', `--timeout=${TEST_TIMEOUT_MS}`],
      ...['--reporter=junit', `--reporter-outfile=${report}`],
      file,
    ],
    run: (file) => ['run', file],
  },
  {
    name: 'deno',
    package: 'deno',
    version: '2.9.6',
    binary: `@deno/linux-${process.arch}-glibc/deno`,
    // Without its own runner: see test/runtimes/node-test.ts.
    test: (file, _report, binary) => [...deno(binary), `--import-map=${importMap()}`, file],
    run: (file, binary) => [...deno(binary), file],
    // process.execPath is a script, which an emulator does not run; see asNode.
    words: (binary) => [binary, 'run', '-A', '--no-check', '--no-lock'],
    reads: 'lines',
  },
];

/** Files that are not run, and why; a test that a runtime has no use for says so itself. */
const COMPILER = new Map([['syscall/constants.test.js', 'is about the C compiler']]);
const NOT_HERE = { bun: COMPILER, deno: COMPILER };

/** Without a test runner; see test/runtimes/smoke.ts. */
const SMOKE = join('runtimes', 'smoke.js');

const separator = process.argv.indexOf('--', 2);
const names = process.argv.slice(2, separator < 0 ? undefined : separator);
const parts = separator < 0 ? [] : process.argv.slice(separator + 1);
const runtimes = RUNTIMES.filter(
  ({ name }) =>
    names.length === 0 || names.some((one) => name === one || name.startsWith(`${one}-`)),
);
if (runtimes.length === 0) {
  console.error(
    `There is no runtime ${names.join(', ')}: ${RUNTIMES.map(({ name }) => name).join(', ')}`,
  );
  process.exit(2);
}
const files = [
  SMOKE,
  ...readdirSync(built, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.js'))
    .sort(),
].filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)));

/** The runtime's binary, installed unless it is there. */
function install(runtime) {
  const place = join(folder, runtime.name);
  const modules = join(place, 'node_modules');
  const binary = join(modules, runtime.binary);
  const manifest = join(modules, runtime.package, 'package.json');
  const installed = existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).version;
  if (installed === runtime.version && existsSync(binary)) return binary;
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  const wanted = `${runtime.package}@${runtime.version}`;
  console.log(`installing ${wanted}`);
  // The binaries lie in the packages as they are: no script has to run.
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  const unsaved = ['--no-save', '--no-package-lock', '--ignore-scripts'];
  const args = ['install', '--prefix', place, ...unsaved, ...quiet, wanted];
  const stdio = ['ignore', 'ignore', 'inherit'];
  const { status, error } = spawnSync('npm', args, { stdio, cwd: place });
  if (status !== 0 || !existsSync(binary)) {
    throw new Error(`${wanted} could not be installed`, { cause: error });
  }
  return binary;
}

const ENTITIES = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&', '#10': '\n', '#9': '\t' };

function unescapeXml(text) {
  return text.replace(/&(#?\w+);/g, (whole, name) => ENTITIES[name] ?? whole);
}

/** What is between `<` and `>`: values may hold a `>`. */
const TAG = `(?:[^>"]|"[^"]*")*?`;
const CASE = new RegExp(`<testcase\\b(${TAG})(?:/>|>([\\s\\S]*?)</testcase>)`, 'g');
const ANY_TAG = new RegExp(`<${TAG}>`, 'g');

/** What tests that are skipped print: why. */
const REASON = /^(?:ok - .* )?# SKIP (.*)$/gm;

function reasonsOf(output) {
  return new Set([...output.matchAll(REASON)].map(([, reason]) => reason));
}

/** The test cases of a JUnit report. */
function readReport(report, output) {
  const text = existsSync(report) ? readFileSync(report, 'utf8') : '';
  const result = { passed: 0, skipped: 0, failures: [], reasons: reasonsOf(output) };
  for (const [, attributes, body = ''] of text.matchAll(CASE)) {
    const name = unescapeXml(/\bname="([^"]*)"/.exec(attributes)?.[1] ?? '');
    if (body.includes('<skipped')) result.skipped += 1;
    else if (!body.includes('<failure') && !body.includes('<error')) result.passed += 1;
    else result.failures.push({ name, text: unescapeXml(body.replace(ANY_TAG, '')).trim() });
  }
  return result;
}

/** The cases that a file printed on its own: `ok - name`, `not ok - name` and then why. */
function readLines(output) {
  const result = { passed: 0, skipped: 0, failures: [], reasons: reasonsOf(output) };
  for (const line of output.split('\n')) {
    if (/^ok - .* # SKIP /.test(line)) result.skipped += 1;
    else if (line.startsWith('ok - ')) result.passed += 1;
    else if (line.startsWith('not ok - ')) result.failures.push({ name: line.slice(9), text: '' });
    else if (line.startsWith('  ') && result.failures.length > 0) {
      result.failures.at(-1).text += `${line}\n`;
    }
  }
  return result;
}

/** How a process ended that no test is to blame for. */
function endOf({ error, signal, status }) {
  if (error?.code === 'ETIMEDOUT') return `did not end within ${FILE_TIMEOUT_MS / 60_000} minutes`;
  return signal === null ? `ended with ${status}` : `was ended by ${signal}`;
}

/**
 * `deno FILE` may do nothing without asking. Tests that start a program of their own with
 * process.execPath get this instead, which takes `node`'s words.
 */
function asNode(binary) {
  const place = join(folder, 'deno');
  const program = join(place, 'node');
  const preload = join(place, 'preload.mjs');
  // Not quiet, it clears a line of its progress on whatever terminal it is started on.
  const options = `--quiet --no-lock --preload='${preload}'`;
  const script = `#!/bin/sh
v8= import=
while :; do
  case $1 in
    --expose-gc | --max-semi-space-size=*) v8="\${v8:---v8-flags=}\${v8:+,}$1" ;;
    --input-type=module) ;;
    --import) shift; import="--preload=$1" ;;
    -e | --eval) shift; exec '${binary}' eval $v8 ${options} $import "$@" ;;
    *) exec '${binary}' run -A --no-check $v8 ${options} $import "$@" ;;
  esac
  shift
done
`;
  writeFileSync(program, script, { mode: 0o755 });
  writeFileSync(preload, `import process from 'node:process';\nprocess.execPath = '${program}';\n`);
  return `--preload=${preload}`;
}

function runFile(runtime, binary, file) {
  const logs = join(folder, 'logs', runtime.name);
  mkdirSync(logs, { recursive: true });
  const base = join(logs, file.replaceAll('/', '-'));
  const report = `${base}.xml`;
  rmSync(report, { force: true });
  const path = join(built, file);
  const args = file === SMOKE ? runtime.run(path, binary) : runtime.test(path, report, binary);
  const ended = spawnSync(binary, args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 256 * 1024 * 1024,
    timeout: FILE_TIMEOUT_MS,
    killSignal: 'SIGKILL',
    env: {
      ...process.env,
      // For scripts that begin with `#!/usr/bin/env node`.
      PATH: `${dirname(binary)}${delimiter}${process.env.PATH}`,
      NO_COLOR: '1',
      DENO_NO_UPDATE_CHECK: '1',
      DENO_DIR: join(folder, 'deno', 'cache'),
      ...(runtime.words && { FORKEXEC_TEST_RUNTIME: JSON.stringify(runtime.words(binary)) }),
    },
  });
  writeFileSync(`${base}.log`, `${ended.stdout}${ended.stderr}`);
  const lines = file === SMOKE || runtime.reads === 'lines';
  const result = lines ? readLines(ended.stdout) : readReport(report, ended.stdout);
  if (ended.status !== 0 && result.failures.length === 0) {
    const text = `${ended.stdout}${ended.stderr}`.trimEnd().split('\n').slice(-SHOWN_LINES);
    result.failures.push({ name: `the process ${endOf(ended)}`, text: text.join('\n') });
  }
  if (result.passed + result.skipped + result.failures.length === 0) {
    result.failures.push({ name: 'no test was run', text: '' });
  }
  return { ...result, log: `${base}.log` };
}

function show(file, { failures, log }) {
  for (const { name, text } of failures) {
    console.log(`  ✗ ${file}: ${name}`);
    for (const line of text.split('\n').slice(0, SHOWN_LINES)) console.log(`      ${line}`);
  }
  if (failures.length > 0) console.log(`    all of it: ${log.slice(root.length + 1)}`);
}

function runAll(runtime) {
  const begin = Date.now();
  const total = { passed: 0, failed: 0, skipped: 0 };
  console.log(`\n${runtime.name} (${runtime.version})`);
  const binary = install(runtime);
  for (const file of files) {
    const why = NOT_HERE[runtime.name]?.get(file);
    if (why !== undefined) {
      console.log(`  – ${file}: ${why}`);
      continue;
    }
    const result = runFile(runtime, binary, file);
    total.passed += result.passed;
    total.failed += result.failures.length;
    total.skipped += result.skipped;
    const reasons = [...result.reasons].join('; ');
    const left = result.skipped === 0 ? '' : `, ${result.skipped} skipped: ${reasons}`;
    if (result.failures.length === 0) console.log(`  ✓ ${file}: ${result.passed}${left}`);
    else show(file, result);
  }
  return { runtime, ...total, seconds: Math.round((Date.now() - begin) / 1000) };
}

const results = runtimes.map(runAll);
const rows = [
  ['runtime', 'passed', 'failed', 'skipped', 'seconds'],
  ...results.map(({ runtime, passed, failed, skipped, seconds }) =>
    [`${runtime.name} (${runtime.version})`, passed, failed, skipped, seconds].map(String),
  ),
];
console.log();
for (const [name, ...counts] of rows) {
  console.log([name.padEnd(18), ...counts.map((count) => count.padStart(8))].join(''));
}
process.exitCode = results.some(({ failed }) => failed > 0) ? 1 : 0;
