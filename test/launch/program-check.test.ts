import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ProgramBuilder } from '#dist/launch/program.js';
import { completions, native } from '#dist/native.js';
import { ExitStatus } from '#dist/process/index.js';
import { PROGRAM, WATCH } from '#dist/protocol.js';
import { SYS } from '#dist/syscall/constants.js';
import {
  decode,
  HEADER,
  HEADER_SIZE,
  INSTRUCTION_SIZE,
  runProgram,
  TABLE_SIZE,
} from '../helpers/programs.js';
import { test } from '../helpers/test.js';

const step = { name: 'getpid' } as const;
const CODE = 42;
const FLOOR = 5;
const KIND_LOAD = 2;

/**
 * A program with something of everything, whose first instruction ends the process: whatever
 * becomes of the rest, nothing of it is ever run.
 */
function sample(): Buffer {
  const program = new ProgramBuilder();
  program.must(step, SYS.exit_group, CODE);
  program.keepFrom(FLOOR);
  const slot = program.slot();
  program.store(step, slot, SYS.getpid);
  program.skipIf(0, 1, step, SYS.getppid, slot);
  program.ignore(step, SYS.chdir, program.string('/'));
  program.must(step, SYS.dup3, program.keep(2), FLOOR - 1, 0);
  program.degrade(1, step, SYS.chdir, program.words([program.string('/')]));
  const argv = program.strings(['one', 'two', '']);
  program.candidate(step, SYS.execve, program.string('/bin/true'), argv, program.strings([]));
  return Buffer.from(program.finish());
}

const COUNT = 8;
const STORE = 2;
const SKIP = 3;
const CHDIR = 4;
const DUP = 5;
const DEGRADE = 6;
const tableAt = HEADER_SIZE + COUNT * INSTRUCTION_SIZE;
const relocationAt = tableAt + 2 * TABLE_SIZE;
const { data } = decode(sample());
const NOT_A_PROGRAM = { name: 'RangeError', code: 'ERR_INVALID_ARG_VALUE' };

/** Where a word of an instruction is. */
const wordOf = (instruction: number, word: number): number =>
  HEADER_SIZE + instruction * INSTRUCTION_SIZE + word * 4;

test('the sample launch program is accepted', () => {
  const { instructions, tables } = decode(sample());
  assert.equal(instructions.length, COUNT);
  assert.deepEqual(
    tables.map(({ count }) => count),
    [3, 0],
  );
  const end = runProgram(sample());
  assert.ok(end instanceof ExitStatus);
  assert.equal(end.code, CODE);
});

/** One word that is wrong. */
const wrong: readonly (readonly [title: string, at: number, value: number])[] = [
  ['another magic', HEADER.magic * 4, 0x3158_4547],
  ['one instruction more', HEADER.instructions * 4, COUNT + 1],
  ['one instruction less', HEADER.instructions * 4, COUNT - 1],
  ['too many instructions', HEADER.instructions * 4, 65537],
  ['all the instructions there are', HEADER.instructions * 4, 0xffff_ffff],
  ['one table more', HEADER.tables * 4, 3],
  ['too many tables', HEADER.tables * 4, 65],
  ['more data', HEADER.data * 4, data.length + 8],
  ['less data', HEADER.data * 4, data.length - 8],
  ['too much data', HEADER.data * 4, 0x1000_0001],
  ['data that wraps around', HEADER.data * 4, 0xffff_fff8],
  ['CLONE_VM', HEADER.cloneFlags * 4, 0x100],
  ['CLONE_THREAD', HEADER.cloneFlags * 4, 0x10000],
  ['one parent file more', HEADER.parentFiles * 4, 1],
  ['too many parent files', HEADER.parentFiles * 4, 9],
  ['one relocation more', HEADER.relocations * 4, 2],
  ['too many relocations', HEADER.relocations * 4, 4097],
  ['a relocation of what is no slot', relocationAt, 4],
  ['a relocation of a slot past the data', relocationAt, data.length],
  ['a relocation far away', relocationAt, 0xffff_fff8],
  ['a relocation to right behind the data', relocationAt + 4, data.length],
  ['a relocation to far away', relocationAt + 4, 0xffff_ffff],
  ['one skip too many of an instruction that may degrade', wordOf(DEGRADE, 3), COUNT - DEGRADE],
  ['a floor as low as what dup3 overwrites', HEADER.floor * 4, FLOOR - 1],
  ['a dup3 over what is kept', wordOf(DUP, 6), FLOOR],
  ['a dup3 far above', wordOf(DUP, 7), 1],
  ['a dup3 to a number that is not known', wordOf(DUP, 1), (KIND_LOAD << 8) | (KIND_LOAD << 10)],
  ['an unknown mode', wordOf(CHDIR, 1), 6],
  ['the largest mode', wordOf(CHDIR, 1), 0xff],
  ['unknown flags', wordOf(CHDIR, 1), 1 << 20],
  ['a kind of argument that there is not', wordOf(CHDIR, 1), 3 << 8],
  ['such a kind for the sixth argument', wordOf(CHDIR, 1), 3 << 18],
  ['a number that is no system call', wordOf(CHDIR, 0), 0x1_0000],
  ['a number that is no routine', wordOf(CHDIR, 0), 0x8000_ffff],
  ['a slot that is not aligned', wordOf(STORE, 3), 4],
  ['a slot past the data', wordOf(STORE, 3), data.length],
  ['a slot far away', wordOf(STORE, 3), 0xffff_fff8],
  ['one skip too many', wordOf(SKIP, 3), COUNT - SKIP],
  ['far too many skips', wordOf(SKIP, 3), 0xffff_ffff],
  ['an address right behind the data', wordOf(CHDIR, 4), data.length],
  ['an address far away', wordOf(CHDIR, 5), 1],
  ['a negative address', wordOf(CHDIR, 5), 0xffff_ffff],
  ['a load that is not aligned', wordOf(SKIP, 4), 1],
  ['a load behind the data', wordOf(SKIP, 4), data.length],
  ['a load far away', wordOf(SKIP, 5), 1],
  ['pointers that are not aligned', tableAt, 4],
  ['pointers behind the data', tableAt, data.length],
  ['pointers far away', tableAt, 0xffff_fff8],
  ['strings behind the data', tableAt + 4, data.length + 1],
  ['more pointers than there is room for', tableAt + 8, data.length / 8],
  ['pointers that wrap around', tableAt + 8, 0xffff_ffff],
];

for (const [title, at, value] of wrong) {
  test(`a program is rejected: ${title}`, () => {
    const bytes = sample();
    assert.notEqual(bytes.readUInt32LE(at), value, 'something is changed');
    bytes.writeUInt32LE(value, at);
    assert.throws(() => runProgram(bytes), NOT_A_PROGRAM);
    assert.throws(
      () => native.launch(bytes, bytes.length, 1, undefined, WATCH.none, false, false),
      NOT_A_PROGRAM,
    );
  });
}

test('a launch program with more degrading instructions than can be reported is refused', () => {
  for (const more of [0, 1]) {
    const program = new ProgramBuilder();
    program.must(step, SYS.exit_group, CODE);
    for (let i = 0; i < PROGRAM.mostDegrading + more; i++) program.degrade(0, step, SYS.getpid);
    const bytes = program.finish();
    if (more > 0) assert.throws(() => runProgram(bytes), NOT_A_PROGRAM);
    else assert.ok(runProgram(bytes) instanceof ExitStatus);
  }
});

test('a table with fewer strings than it says is refused', () => {
  const bytes = sample();
  const { tables } = decode(bytes);
  const [table] = tables;
  assert.ok(table);
  // Its strings begin in the last bytes, none of which is a NUL any more.
  bytes.fill(1, bytes.length - 4);
  bytes.writeUInt32LE(data.length - 4, tableAt + 4);
  assert.throws(() => runProgram(bytes), NOT_A_PROGRAM);
});

test('truncated and extended launch programs are refused', () => {
  const bytes = sample();
  for (let size = 0; size < bytes.length; size++) {
    assert.throws(() => runProgram(bytes, size), NOT_A_PROGRAM, `${size} bytes`);
    assert.throws(() => runProgram(bytes.subarray(0, size)), NOT_A_PROGRAM, `${size} bytes`);
  }
  for (const more of [1, 7, 8, TABLE_SIZE, INSTRUCTION_SIZE]) {
    assert.throws(() => runProgram(Buffer.concat([bytes, Buffer.alloc(more)])), NOT_A_PROGRAM);
  }
});

test('values that are not a launch program are refused', () => {
  const bytes = sample();
  const odd = native as unknown as Record<string, (...args: unknown[]) => unknown>;
  const notBytes = [
    undefined,
    null,
    5,
    'FEX1',
    {},
    [],
    new Uint16Array(200),
    new DataView(bytes.buffer),
  ];
  const wrongType = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
  for (const [name, ...rest] of [
    ['launch', WATCH.reap, false, false],
    ['launchHere', WATCH.reap],
  ] as const) {
    const launch = (...args: unknown[]): unknown => odd[name]?.(...args, ...rest);
    for (const program of notBytes) {
      assert.throws(() => launch(program, 100, 1, undefined), wrongType);
    }
    for (const size of [-1, bytes.length + 1, 2 ** 53, Number.NaN]) {
      assert.throws(() => launch(bytes, size, 1, undefined), NOT_A_PROGRAM, `size ${size}`);
    }
    for (const size of [undefined, 'x', {}]) {
      assert.throws(() => launch(bytes, size, 1, undefined), wrongType, `size ${size}`);
    }
    assert.throws(() => launch(bytes, bytes.length, 'token', undefined), wrongType);
    assert.throws(() => launch(bytes, bytes.length, 1, new Float64Array(1)), wrongType);
  }
});

test('a launch program with changed bytes is refused or runs as its first instruction says', () => {
  const valid = sample();
  // Not the first instruction, and not the words that say what the process is born into.
  const changeable = fc.oneof(
    { weight: 1, arbitrary: fc.integer({ min: 4, max: 15 }) },
    { weight: 10, arbitrary: fc.integer({ min: wordOf(1, 0), max: valid.length - 1 }) },
  );
  const change = fc.tuple(changeable, fc.integer({ min: 0, max: 255 }));
  let [refused, run] = [0, 0];
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
      const bytes = Buffer.from(valid);
      for (const [at, value] of changes) bytes[at] = value;
      try {
        const end = runProgram(bytes);
        assert.ok(end instanceof ExitStatus);
        assert.equal(end.code, CODE);
        run++;
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        refused++;
      }
    }),
    { numRuns: 3000 },
  );
  assert.ok(refused > 100 && run > 100, `${refused} refused, ${run} run`);
});

test('descriptors to close are closed after a failed launch, and not after a refused program', () => {
  const program = new ProgramBuilder();
  program.must(step, SYS.close, -1);
  const bytes = Buffer.from(program.finish());
  const { rawSyscall, launchHere } = native;
  const fd = Number(rawSyscall(SYS.dup, 2));
  const isOpen = (): boolean => Number(rawSyscall(SYS.fcntl, fd, 1)) >= 0;
  const fds = Int32Array.of(fd);
  const token = completions.register(() => {});
  assert.throws(() => launchHere(bytes, 3, token, fds, WATCH.none), NOT_A_PROGRAM);
  assert.ok(isOpen());
  assert.equal(launchHere(bytes, bytes.length, token, fds, WATCH.none), 0);
  assert.equal(completions.mailbox[2], 0, 'the first instruction failed');
  assert.ok(!isOpen());
  completions.forget(token);
});
