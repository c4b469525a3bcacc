// Descriptors of the parent that a later step of the child needs: program.keep.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import type { DescriptorSource, Launch } from '#dist/launch/attribute.js';
import { descriptors, sources } from '#dist/launch/descriptors.js';
import { ProgramBuilder } from '#dist/launch/program.js';
import { ExitStatus } from '#dist/process/index.js';
import { call, close } from '#dist/syscall/call.js';
import { AT, E, O, SYS } from '#dist/syscall/constants.js';
import { type ProgramEnd, runProgram } from '../helpers/programs.js';
import { helper, type State, withFolder } from '../helpers/state.js';
import { descriptorNumbers, test } from '../helpers/test.js';

const step = { name: 'getpid' } as const;

/** Runs a program that puts `fds` into place and then goes to the directories `kept`. */
function runKept(
  folder: string,
  fds: ReadonlyMap<number, DescriptorSource>,
  kept: readonly number[],
  late: boolean,
): ProgramEnd {
  const launch = { descriptors: fds, options: {} } as unknown as Launch<object>;
  const program = new ProgramBuilder();
  const slots = late ? [] : kept.map((fd) => program.keep(fd));
  sources.emit(program, launch);
  descriptors.emit(program, launch);
  if (late) slots.push(...kept.map((fd) => program.keep(fd)));
  const flags = O.O_CREAT | O.O_WRONLY | O.O_CLOEXEC;
  for (const slot of slots) {
    program.must(step, SYS.fchdir, slot);
    program.must(step, SYS.openat, AT.AT_FDCWD, program.string('mark'), flags, 0o600);
  }
  const argv = program.strings(['state', join(folder, 'state')]);
  program.must(step, SYS.execve, program.string(helper('state')), argv, program.strings([]));
  return runProgram(program.finish());
}

/** Opens a directory at each of `numbers`; nothing may be open there. */
function openAt(folder: string, numbers: readonly number[]): string[] {
  return numbers.map((number) => {
    const directory = join(folder, String(number));
    mkdirSync(directory);
    const fd = call('openat', AT.AT_FDCWD, directory, O.O_RDONLY | O.O_DIRECTORY);
    call('dup3', fd, number, 0);
    close(fd);
    return directory;
  });
}

test('a kept descriptor is neither overwritten nor inherited', () =>
  withFolder((folder) => {
    const base = Math.max(...descriptorNumbers()) + 5;
    const numbers = Array.from({ length: 8 }, (_, index) => base + index);
    const directories = openAt(folder, numbers);
    const target = fc.oneof(fc.integer({ min: 3, max: 6 }), fc.constantFrom(...numbers));
    const source = fc.oneof(fc.constantFrom(...numbers), fc.constant('null' as const));
    try {
      fc.assert(
        fc.property(
          fc.array(fc.tuple(target, source), { maxLength: 8 }),
          fc.uniqueArray(fc.constantFrom(...numbers), { minLength: 1 }),
          fc.boolean(),
          (pairs, kept, late) => {
            const fds = new Map<number, DescriptorSource>([...pairs]);
            const end = runKept(folder, fds, kept, late);
            assert.ok(end instanceof ExitStatus && end.ok, JSON.stringify(end));
            const marked = directories.map((directory) => existsSync(join(directory, 'mark')));
            for (const directory of directories) rmSync(join(directory, 'mark'), { force: true });
            assert.deepEqual(
              marked,
              numbers.map((number) => kept.includes(number)),
            );
            const state = JSON.parse(readFileSync(join(folder, 'state'), 'utf8')) as State;
            const open = Object.keys(state.fds).map(Number);
            assert.deepEqual(
              open,
              [...fds.keys()].sort((a, b) => a - b),
            );
          },
        ),
        { numRuns: 100 },
      );
    } finally {
      for (const number of numbers) close(number);
    }
  }));

test('keeping a descriptor that is closed fails with EBADF', () => {
  const closed = Math.max(...descriptorNumbers()) + 5;
  const program = new ProgramBuilder();
  program.must(step, SYS.getpid);
  program.keepFrom(3);
  program.must(step, SYS.fchdir, program.keep(closed));
  const end = runProgram(program.finish());
  assert.deepEqual(end, { step: 1, errno: E.EBADF });
});

test('a closed source is not mistaken for a kept descriptor that got its number', () =>
  withFolder((folder) => {
    const base = Math.max(...descriptorNumbers()) + 5;
    openAt(folder, [base]);
    try {
      // Kept from base - 1 on: its copy is at `base + 1` or below.
      for (const closed of [base - 1, base + 1]) {
        const end = runKept(folder, new Map([[base - 2, closed]]), [base], true);
        assert.deepEqual(
          [end instanceof ExitStatus, (end as { errno: number }).errno],
          [false, E.EBADF],
        );
      }
    } finally {
      close(base);
    }
  }));

test('a step that fails after a kept descriptor is still named', () => {
  const program = new ProgramBuilder();
  program.must(step, SYS.getpid);
  program.must({ name: 'chdir', argument: '/no/such' }, SYS.chdir, program.string('/no/such'));
  program.keep(2);
  const end = runProgram(program.finish()) as { step: number; errno: number };
  assert.equal(end.errno, E.ENOENT);
  assert.equal(program.steps[end.step]?.argument, '/no/such');
});
