// What a sandbox adds to a launch: npm run bench:sandbox [-- launches]. A policy of 20 rules and a filter
// of more than 100 calls, without namespaces and with them, next to bubblewrap where it is installed; and what
// the kernel itself takes for the same rules and the same filter, by a program in C that does nothing else.
//
// Each way launches /bin/true so often, in turns, so that a busy moment falls on all of them; the medians
// are compared.

import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../dist/index.js';
import { compileFilter } from '../dist/sandbox/seccomp-filter.js';
import { sandboxFilter } from '../dist/sandbox/seccomp-profiles.js';

const launches = Number(process.argv[2] ?? 200);
const folder = mkdtempSync(join(tmpdir(), 'forkexec-bench-'));
const system = ['/usr', '/bin', '/lib', '/lib64', '/etc'].filter(existsSync);
const folders = Array.from({ length: 20 - system.length }, (_, index) =>
  join(folder, String(index)),
);
for (const path of folders) mkdirSync(path);

const policy = { read: system, write: folders };
const bwrap = ['/usr/bin/bwrap', '/bin/bwrap'].find(existsSync);
const binds = [
  ...system.flatMap((path) => ['--ro-bind', path, path]),
  ...folders.flatMap((path) => ['--bind', path, path]),
];

const ways = {
  without: () => run('/bin/true', { cwd: '/' }),
  kernel: () => run('/bin/true', { cwd: '/usr', sandbox: { ...policy, strength: 'kernel' } }),
  namespaces: () =>
    run('/bin/true', { cwd: '/usr', sandbox: { ...policy, strength: 'namespaces' } }),
  ...(bwrap ? { bwrap: () => run(bwrap, [...binds, '--unshare-all', '/bin/true']) } : {}),
};

const times = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
for (let launch = -10; launch < launches; launch++) {
  for (const [name, way] of Object.entries(ways)) {
    const start = performance.now();
    await way();
    if (launch >= 0) times[name].push(performance.now() - start);
  }
}

/** The launches in C: microseconds by what they do. */
async function floor() {
  const program = join(folder, 'sandbox_floor');
  const source = join(dirname(fileURLToPath(import.meta.url)), 'native/sandbox_floor.c');
  await run(process.env.CC ?? 'cc', ['-O2', '-o', program, source]);
  const filter = join(folder, 'filter');
  writeFileSync(filter, compileFilter(sandboxFilter('none', false)));
  const { stdout } = await run(program, [
    ...[String(launches), filter, String(system.length)],
    ...[...system, ...folders],
  ]);
  return Object.fromEntries(stdout.split('\n').map((line) => line.split(' ')));
}
const inC = await floor();
rmSync(folder, { recursive: true });

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
const base = median(times.without);
for (const [name, list] of Object.entries(times)) {
  const ms = median(list);
  console.log(`${name.padEnd(12)} ${ms.toFixed(2)} ms  × ${(ms / base).toFixed(2)}`);
}
if (!bwrap) console.log('bwrap is not installed');
const { nothing, landlock, seccomp, both } = inC;
const added = (both - nothing) / 1000;
console.log(
  `in C         ${(nothing / 1000).toFixed(2)} ms without, ${(landlock / 1000).toFixed(2)} with Landlock, ` +
    `${(seccomp / 1000).toFixed(2)} with seccomp, ${(both / 1000).toFixed(2)} with both: the kernel takes ` +
    `${added.toFixed(2)} ms, and no sandbox costs less than × ${(1 + added / base).toFixed(2)}`,
);
