import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { run, spawn } from '#dist/index.js';
import { type ProcessAttributes, startProcess } from '#dist/process/index.js';
import { attempt, call } from '#dist/syscall/call.js';
import { F, FD, O } from '#dist/syscall/constants.js';
import type { Outcome, Report } from '../helpers/closed-stdio.js';
import { noPidfdOpen } from '../helpers/facilities.js';
import { needsLowDescriptors } from '../helpers/runtime.js';
import { helper, type State, stateOf, withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

type Files = NonNullable<ProcessAttributes['files']>;

/** Calls `use` with the numbers and paths of `count` open files. */
async function withFiles(
  count: number,
  use: (fds: number[], paths: string[]) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    const paths = Array.from({ length: count }, (_, index) => join(folder, `file-${index}`));
    const fds = paths.map((path) => openSync(path, 'w+'));
    try {
      await use(fds, paths);
    } finally {
      for (const fd of fds) closeSync(fd);
    }
  });
}

function targets({ fds }: Pick<State, 'fds'>): Record<string, string> {
  return Object.fromEntries(Object.entries(fds).map(([fd, { target }]) => [fd, target]));
}

/** `files` with these entries and null everywhere else. */
function sparse(entries: Record<number, Files[number]>): Files {
  const numbers = Object.keys(entries).map(Number);
  const length = Math.max(...numbers) + 1;
  return Array.from({ length }, (_, fd) => entries[fd] ?? null);
}

/** The lowest closed descriptors of this process. */
function freeDescriptors(count: number): number[] {
  const free: number[] = [];
  for (let fd = 3; free.length < count; fd++) {
    if (attempt('fcntl', fd, F.F_GETFD) < 0) free.push(fd);
  }
  return free;
}

/** Which descriptors a child has, given the source of each and what the parent has. */
function expected(files: readonly unknown[], standard: readonly (string | null)[]): Outcome {
  const found: Record<string, string> = {};
  for (const [fd, source] of files.entries()) {
    const path =
      source === 'null' ? '/dev/null' : standard[source === 'inherit' ? fd : Number(source)];
    if (source !== null && path != null) found[fd] = path;
  }
  return { targets: found };
}

/** What the program of helpers/closed-stdio.ts saw; `standard` is what its descriptors 0 to 2 were. */
function withClosed(
  closed: string,
  check: (report: Report, standard: (string | null)[]) => void,
): Promise<void> {
  if (closed !== '') needsLowDescriptors();
  return withFolder(async (folder) => {
    await run(process.execPath, [helper('closed-stdio.js'), folder, closed]);
    const report = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')) as Report;
    assert.equal(report.error, undefined);
    check(
      report,
      [0, 1, 2].map((fd) => (closed.includes(`${fd}`) ? null : join(folder, `${fd}`))),
    );
  });
}

for (const closed of ['', '0', '1', '2', '01', '02', '12', '012']) {
  const title = closed === '' ? 'none' : [...closed].join(' and ');
  test(`stdio is right with ${title} of descriptors 0 to 2 closed in the parent`, () =>
    withClosed(closed, (report, standard) => {
      assert.equal(Object.keys(report.files).length, 64 + 4);
      for (const [key, outcome] of Object.entries(report.files)) {
        const files: unknown[] = JSON.parse(key);
        const missing = files.filter((source) => closed.includes(`${source}`)).map(String);
        if (missing.length === 0) {
          assert.deepEqual(outcome, expected(files, standard), key);
          continue;
        }
        assert.ok('code' in outcome, `${key} asks for a closed descriptor`);
        assert.equal(outcome.code, 'EBADF', key);
        assert.ok(['dup3', 'fcntl'].includes(outcome.step), `${key}: ${outcome.step}`);
        assert.ok(missing.includes(outcome.argument), `${key}: ${outcome.argument}`);
      }
      for (const kind of ['pipe', 'socket'] as const) {
        const outcome = report[kind];
        assert.ok('targets' in outcome);
        assert.deepEqual(Object.keys(outcome.targets), ['0', '1', '2']);
        const ends = Object.values(outcome.targets);
        assert.equal(new Set(ends).size, 3, 'three different ones');
        for (const end of ends) assert.ok(end.startsWith(`${kind}:[`), end);
      }
      assert.deepEqual(report.ran, { stdout: 'through a pipe', stderr: 'err' });
      assert.deepEqual(report.ranSync, report.ran);
      assert.deepEqual(report.before, standard);
      assert.deepEqual(report.after, standard, 'nothing of ours is among 0 to 2');
    }));
}

test('children launched at once do not inherit handles of each other as stdio', () =>
  withClosed('012', ({ crowd }) => {
    assert.equal(crowd.length, 80);
    for (const outcome of crowd) assert.deepEqual(outcome, { targets: {} });
  }));

test(
  'the pidfd of an opened process does not take the number of a closed stdio',
  () =>
    withClosed('012', ({ handle = -1 }) => assert.ok(handle > 2, `it got the number ${handle}`)),
  { skip: noPidfdOpen },
);

test('descriptors can be mapped at random: swaps, cycles, one source for many', () =>
  withFiles(5, async (fds, paths) => {
    const source = fc.constantFrom(...fds, 'null' as const, 'inherit' as const, null);
    const target = fc.constantFrom(0, 1, 2, 3, 4, 5, ...fds);
    const wanted = fc.uniqueArray(fc.tuple(target, source), {
      minLength: 1,
      maxLength: 10,
      selector: ([fd]) => fd,
    });
    const own = (fd: number): string | undefined => paths[fds.indexOf(fd)];
    await fc.assert(
      fc.asyncProperty(wanted, async (entries) => {
        // What this process has at 0 to 5 is the runtime's: only its own files can be told apart.
        const known = entries.filter(([fd, from]) => from !== 'inherit' || own(fd) !== undefined);
        fc.pre(known.length > 0);
        const state = await stateOf({ files: sparse(Object.fromEntries(known)) });
        const want: Record<string, string> = {};
        for (const [fd, from] of known) {
          if (from === null) continue;
          want[fd] =
            from === 'null' ? '/dev/null' : (own(from === 'inherit' ? fd : from) as string);
        }
        assert.deepEqual(targets(state), want);
        for (const { cloexec } of Object.values(state.fds)) assert.equal(cloexec, false);
      }),
      { numRuns: 300 },
    );
  }));

test('files of a process can form a cycle, a swap, and one source for many', () =>
  withFiles(3, async ([a, b, c], [pathA, pathB, pathC]) => {
    assert.ok(a && b && c && pathA && pathB && pathC);
    const cycle = await stateOf({ files: sparse({ [a]: b, [b]: c, [c]: a }) });
    assert.deepEqual(targets(cycle), { [a]: pathB, [b]: pathC, [c]: pathA });
    const swap = await stateOf({ files: sparse({ 1: a, [a]: b, [b]: a }) });
    assert.deepEqual(targets(swap), { 1: pathA, [a]: pathB, [b]: pathA });
    const many = await stateOf({
      files: sparse({ 0: b, 1: b, 2: b, [a]: b, [b]: b, [c]: b, 99: b }),
    });
    const all = [0, 1, 2, a, b, c, 99].map((fd) => [fd, pathB]);
    assert.deepEqual(targets(many), Object.fromEntries(all));
  }));

test('fds of a command can have the numbers 3, 7 and 250', () =>
  withFiles(3, async ([a, b, c], [pathA, pathB, pathC]) => {
    assert.ok(a && b && c);
    await withFolder(async (folder) => {
      const file = join(folder, 'state');
      const stdio = { stdin: 'null', stdout: 'null', stderr: 'null' } as const;
      const child = await spawn(helper('state'), [file], { ...stdio, fds: { 250: a, 3: c, 7: b } });
      assert.ok((await child.exited).ok);
      assert.deepEqual(targets(JSON.parse(readFileSync(file, 'utf8')) as State), {
        0: '/dev/null',
        1: '/dev/null',
        2: '/dev/null',
        3: pathC,
        7: pathB,
        250: pathA,
      });
    });
  }));

test('a closed source is EBADF even if another descriptor is moved to its number', () =>
  withFiles(1, async ([a]) => {
    assert.ok(a);
    // What is moved out of the way gets the lowest number above all targets: right here.
    for (const free of freeDescriptors(4)) {
      const both: Files[] = [['null', a, a, free], sparse({ 0: free, 1: a, [free - 1]: 1 })];
      for (const files of both) {
        await assert.rejects(
          async () => {
            const child = await startProcess('/bin/true', ['true'], { files });
            await child.wait();
          },
          { name: 'LaunchError', code: 'EBADF', argument: String(free) },
          `${free} is closed here: ${JSON.stringify(files)}`,
        );
      }
    }
  }));

test('a child has exactly its descriptors while Workers open others without FD_CLOEXEC', async () => {
  const workerData = new SharedArrayBuffer(8);
  const shared = new Int32Array(workerData);
  const workers = [0, 1].map(() => new Worker(helper('dup-loop.js'), { workerData }));
  const ended = workers.map((worker) => new Promise((resolve) => worker.once('exit', resolve)));
  try {
    while (Atomics.load(shared, 0) === 0) await new Promise((resolve) => setImmediate(resolve));
    const opened = Atomics.load(shared, 0);
    for (let round = 0; round < 200; round++) {
      const { fds } = await stateOf({ files: ['null', 'null', 'null', null, 'null'] });
      assert.deepEqual(Object.keys(fds), ['0', '1', '2', '4']);
    }
    assert.ok(Atomics.load(shared, 0) > opened + 1000, 'the Workers were at it meanwhile');
  } finally {
    Atomics.store(shared, 1, 1);
    await Promise.all(ended);
  }
});

test("flags of the caller's descriptors do not change", () =>
  withFiles(4, async (fds) => {
    const flags = (): [number, number][] =>
      fds.map((fd) => [call('fcntl', fd, F.F_GETFD), call('fcntl', fd, F.F_GETFL)]);
    const [a, b, c, d] = fds as [number, number, number, number];
    call('fcntl', a, F.F_SETFL, O.O_NONBLOCK);
    call('fcntl', b, F.F_SETFL, O.O_APPEND);
    call('fcntl', b, F.F_SETFD, 0);
    call('fcntl', c, F.F_SETFD, FD.FD_CLOEXEC);
    const before = flags();
    assert.notDeepEqual(before[1], before[2], 'the files differ');
    const { fds: child } = await stateOf({ files: sparse({ 0: a, 1: b, [c]: c, [d]: 'inherit' }) });
    assert.deepEqual(Object.keys(child), ['0', '1', `${c}`, `${d}`]);
    assert.equal((child[0]?.flags as number) & O.O_NONBLOCK, O.O_NONBLOCK);
    assert.equal((child[1]?.flags as number) & O.O_APPEND, O.O_APPEND);
    for (const { cloexec } of Object.values(child)) assert.equal(cloexec, false);
    assert.deepEqual(flags(), before);
    await run('cat', { stdin: a, stdout: b, stderr: c, fds: { 5: d } });
    assert.deepEqual(flags(), before);
  }));
