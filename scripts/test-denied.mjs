// Runs the tests as a container's filter or an older kernel would have them: each time without some
// system calls. Prints a table, and what was skipped or failed and why.
//
// npm run test:denied [-- NAME...] [-- PART...]   NAME is a row of the table; PART of a file's name
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const built = join(root, 'build', 'test');

/** The arguments of test/helpers/deny.c, by the name of the row. */
const denials = {
  none: [],
  clone3: ['clone3'],
  'clone-pidfd': ['clone-pidfd'],
  'clone-pidfd EPERM': ['--errno', 'EPERM', 'clone-pidfd'],
  'clone-pidfd EINVAL': ['--errno', 'EINVAL', 'clone-pidfd'],
  pidfds: ['pidfds'],
  'pidfds EPERM': ['--errno', 'EPERM', 'pidfds'],
  pidfd_open: ['pidfd_open'],
  'pidfd_open EPERM': ['--errno', 'EPERM', 'pidfd_open'],
  pidfd_send_signal: ['pidfd_send_signal'],
  'pidfd_send_signal EPERM': ['--errno', 'EPERM', 'pidfd_send_signal'],
  'pidfd-group': ['pidfd-group'],
  'waitid-pidfd': ['waitid-pidfd'],
  'waitid-pidfd EPERM': ['--errno', 'EPERM', 'waitid-pidfd'],
  'pidfd-ioctl': ['pidfd-ioctl'],
  close_range: ['close_range'],
  'close_range EPERM': ['--errno', 'EPERM', 'close_range'],
  'linux-4.19': ['linux-4.19'],
  docker: ['docker'],
  'docker no-new-privileges': ['--no-new-privileges', 'docker'],
};

function argumentsOf(words) {
  const end = words.indexOf('--');
  const names = end < 0 ? words : words.slice(0, end);
  const parts = end < 0 ? [] : words.slice(end + 1);
  for (const name of names) {
    if (name in denials) continue;
    console.error(`${name} is not one of: ${Object.keys(denials).join(', ')}`);
    process.exit(2);
  }
  return { names: names.length > 0 ? names : Object.keys(denials), parts };
}

function filesOf(parts) {
  return readdirSync(built, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.js'))
    .filter((file) => !file.endsWith('denied.test.js')) // it does the same
    .filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)))
    .map((file) => join(built, file))
    .sort();
}

/** One file may take that long; what it left is ended then. */
const LONGEST_MS = 300_000;

/** Runs a file under a denial, and adds to `result` what it tells. */
async function runFile(file, result) {
  const reporter = join(root, 'scripts', 'denied-reporter.mjs');
  const node = [process.execPath, '--test-force-exit', `--test-reporter=${reporter}`, file];
  const child = spawn(join(built, 'helpers', 'deny'), [...denials[result.name], '--', ...node], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const timer = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), LONGEST_MS);
  const failed = result.failed;
  for await (const line of createInterface({ input: child.stdout })) {
    const told = JSON.parse(line);
    result[told.result]++;
    if (told.result !== 'passed') print(file, told);
  }
  const code = await ended;
  clearTimeout(timer);
  // One that was ended, or could not even be loaded, counted less than there is.
  if (code === 0 || result.failed > failed) return;
  result.failed++;
  const reason = `it ended with ${code ?? child.signalCode}`;
  print(file, { result: 'failed', name: 'the file as a whole', reason });
}

async function runUnder(name, files) {
  const began = performance.now();
  const result = { name, passed: 0, failed: 0, skipped: 0, seconds: 0 };
  for (const file of files) await runFile(file, result);
  result.seconds = Math.round((performance.now() - began) / 1000);
  return result;
}

function print(file, { result, name, reason }) {
  const word = result === 'failed' ? 'FAILED' : result;
  console.log(`  ${word.padEnd(7)} ${relative(built, file)}: ${name}\n          ${reason}`);
}

function table(results) {
  const columns = ['denied', 'passed', 'failed', 'skipped', 'seconds'];
  const rows = results.map((each) => columns.map((key) => String(each[key] ?? each.name)));
  const widths = columns.map((title, i) =>
    Math.max(...[title, ...rows.map((row) => row[i])].map((cell) => cell.length)),
  );
  const line = (row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ');
  return [columns, ...rows].map(line).join('\n');
}

const { names, parts } = argumentsOf(process.argv.slice(2));
const files = filesOf(parts);
const results = [];
for (const name of names) {
  console.log(`${name}:`);
  results.push(await runUnder(name, files));
}
console.log(`\n${table(results)}`);
process.exitCode = results.some(({ failed }) => failed > 0) ? 1 : 0;
