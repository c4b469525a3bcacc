import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { type Address, ProgramBuilder, type Slot } from '#dist/launch/program.js';
import { ExitStatus } from '#dist/process/index.js';
import { OWN_CALL } from '#dist/protocol.js';
import { attempt, call, close } from '#dist/syscall/call.js';
import { E, F, SYS } from '#dist/syscall/constants.js';
import { decode, type ProgramEnd, runProgram } from '../helpers/programs.js';
import { helper, type State, withFolder } from '../helpers/state.js';
import { descriptorNumbers, test } from '../helpers/test.js';

const step = { name: 'getpid' } as const;

/** What the builder is told to do. An argument is described by what must be found in the bytes. */
type Argument =
  | { immediate: number }
  | { text: string }
  | { words: bigint[] }
  | { list: string[] }
  | { slot: true };

const text = fc.string({ unit: 'binary', maxLength: 30 }).filter((value) => !value.includes('\0'));

const argument: fc.Arbitrary<Argument> = fc.oneof(
  fc.record({ immediate: fc.maxSafeInteger() }),
  fc.record({ text }),
  fc.record({
    words: fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { minLength: 1, maxLength: 5 }),
  }),
  fc.record({ list: fc.array(text, { maxLength: 5 }) }),
  fc.constant({ slot: true as const }),
);

const instruction = fc.record({
  mode: fc.constantFrom('must', 'ignore', 'store', 'skipIf', 'candidate'),
  number: fc.integer({ min: 0, max: 0xffff }),
  value: fc.integer({ min: -4095, max: 2 ** 31 - 1 }),
  skip: fc.nat(100),
  arguments: fc.array(argument, { maxLength: 6 }),
});

const MODES = { must: 0, ignore: 1, store: 2, skipIf: 3, candidate: 5 } as const;

/** Whether the data holds what the argument describes, where the instruction says. */
function assertArgument(
  wanted: Argument | undefined,
  got: { kind: number; value: bigint },
  { data, tables }: ReturnType<typeof decode>,
): void {
  if (wanted === undefined || 'immediate' in wanted) {
    assert.equal(got.kind, 0);
    assert.equal(BigInt.asIntN(64, got.value), BigInt(wanted?.immediate ?? 0));
    return;
  }
  const at = Number(got.value);
  assert.equal(got.kind, 'slot' in wanted ? 2 : 1);
  if ('slot' in wanted) {
    assert.equal(at % 8, 0);
    assert.equal(data.readBigUInt64LE(at), 0n);
  } else if ('text' in wanted) {
    const bytes = Buffer.from(`${wanted.text}\0`);
    assert.deepEqual(data.subarray(at, at + bytes.length), bytes);
  } else if ('words' in wanted) {
    assert.equal(at % 8, 0);
    const words = wanted.words.map((_, index) => data.readBigUInt64LE(at + index * 8));
    assert.deepEqual(words, wanted.words);
  } else {
    const table = tables.find(({ pointers }) => pointers === at);
    assert.ok(table, 'there is a table for the list');
    assert.equal(table.count, wanted.list.length);
    const bytes = Buffer.from(wanted.list.map((one) => `${one}\0`).join(''));
    assert.deepEqual(data.subarray(table.strings, table.strings + bytes.length), bytes);
  }
}

function add(program: ProgramBuilder, wanted: Argument): number | Address {
  if ('immediate' in wanted) return wanted.immediate;
  if ('text' in wanted) return program.string(wanted.text);
  if ('words' in wanted) return program.words(wanted.words);
  return 'list' in wanted ? program.strings(wanted.list) : program.slot();
}

test('what the builder is told is what the bytes say, and the native side takes it', () =>
  fc.assert(
    fc.property(fc.array(instruction, { maxLength: 80 }), fc.nat(255), (wanted, code) => {
      const program = new ProgramBuilder();
      // The process ends before any of what follows.
      program.must(step, SYS.exit_group, code);
      const skips = wanted.map(({ skip }, index) => Math.min(skip, wanted.length - index - 1));
      const slots: number[] = [];
      for (const [index, { mode, number, value, arguments: list }] of wanted.entries()) {
        const args = list.map((one) => add(program, one));
        if (mode === 'skipIf') program.skipIf(value, skips[index] as number, step, number, ...args);
        else if (mode !== 'store') program[mode](step, number, ...args);
        else {
          const slot = program.slot();
          slots[index] = slot.offset;
          program.store(step, slot, number, ...args);
        }
      }
      const bytes = program.finish();
      const decoded = decode(bytes);
      assert.equal(decoded.instructions.length, wanted.length + 1);
      assert.equal(program.steps.length, wanted.length + 1);
      for (const [index, { mode, number, value, arguments: args }] of wanted.entries()) {
        const got = decoded.instructions[index + 1];
        assert.ok(got);
        assert.equal(got.number, number);
        assert.equal(got.mode, MODES[mode as keyof typeof MODES]);
        if (mode === 'skipIf') assert.deepEqual([got.value, got.skip], [value, skips[index]]);
        if (mode === 'store') assert.equal(got.skip, slots[index]);
        for (const [at, one] of got.arguments.entries()) assertArgument(args[at], one, decoded);
      }
      const end = runProgram(bytes);
      assert.ok(end instanceof ExitStatus);
      assert.equal(end.code, code);
    }),
    { numRuns: 300 },
  ));

/** Runs what `write` writes. */
function ran(write: (program: ProgramBuilder) => void): ProgramEnd {
  const program = new ProgramBuilder();
  write(program);
  return runProgram(program.finish());
}

/** The exit code that the program itself gave. */
function code(write: (program: ProgramBuilder) => void): number | null {
  const end = ran(write);
  assert.ok(end instanceof ExitStatus, JSON.stringify(end));
  return end.code;
}

const exit = (program: ProgramBuilder, value: number | Slot): void =>
  program.must(step, SYS.exit_group, value);

test('a call that must succeed and does not ends the launch', () => {
  const end = ran((program) => {
    program.must(step, SYS.getpid);
    program.must(step, SYS.close, -1);
    exit(program, 0);
  });
  assert.deepEqual(end, { step: 1, errno: E.EBADF });
});

test('a call whose result does not matter ends nothing', () => {
  const end = code((program) => {
    program.ignore(step, SYS.close, -1);
    exit(program, 7);
  });
  assert.equal(end, 7);
});

test('a result is kept in its slot, and is an argument from then on', () => {
  const end = code((program) => {
    const slot = program.slot();
    program.ignore(step, SYS.umask, 0o123);
    program.store(step, slot, SYS.umask, 0);
    exit(program, slot);
  });
  assert.equal(end, 0o123);
});

test('a call whose result is to be kept and that fails ends the launch', () => {
  const end = ran((program) => program.store(step, program.slot(), SYS.close, -1));
  assert.deepEqual(end, { step: 0, errno: E.EBADF });
});

test('instructions are skipped if a result is as said, and else they are not', () => {
  for (const [value, expected] of [
    [-E.EBADF, 3],
    [-E.EINVAL, 1],
    [0, 1],
  ] as const) {
    const end = code((program) => {
      program.skipIf(value, 2, step, SYS.close, -1);
      exit(program, 1);
      exit(program, 2);
      exit(program, 3);
    });
    assert.equal(end, expected, `close(-1) compared with ${value}`);
  }
});

test('skipping everything is falling off the end', () => {
  const end = ran((program) => {
    program.skipIf(-E.EBADF, 1, step, SYS.close, -1);
    exit(program, 0);
  });
  assert.deepEqual(end, { step: 2, errno: E.ENOENT });
});

test('of candidates that fail the first is blamed that says more than "not here"', () => {
  const calls = { ENOENT: '/no/such', ENOTDIR: '/dev/null/x' };
  const failures: [names: (keyof typeof calls | 'EBADF')[], step: number, errno: number][] = [
    [[], 0, E.ENOENT],
    [['ENOENT'], 0, E.ENOENT],
    [['ENOENT', 'ENOENT', 'ENOENT'], 2, E.ENOENT],
    [['ENOENT', 'ENOTDIR'], 1, E.ENOTDIR],
    [['ENOENT', 'EBADF', 'ENOENT'], 1, E.EBADF],
    [['EBADF', 'ENOTDIR', 'EBADF'], 0, E.EBADF],
  ];
  for (const [names, blamed, errno] of failures) {
    const end = ran((program) => {
      for (const name of names) {
        if (name === 'EBADF') program.candidate(step, SYS.close, -1);
        else program.candidate(step, SYS.chdir, program.string(calls[name]));
      }
    });
    assert.deepEqual(end, { step: blamed, errno }, names.join());
  }
});

test('descriptors are closed by way of /proc where close_range(2) is missing', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'state');
    // More than one reading of the directory yields; none of them is close-on-exec.
    const dups = Array.from({ length: 300 }, () => call('dup', 2)).sort((a, b) => a - b);
    try {
      for (const last of [dups[150] as number, 0xffff_ffff]) {
        const program = new ProgramBuilder();
        for (const fd of [0, 1, 2]) program.must(step, SYS.fcntl, fd, F.F_SETFD, 0);
        program.must(step, OWN_CALL.closeOnExecRange, 3, last);
        const argv = program.strings(['state', file]);
        const path = program.string(helper('state'));
        program.must(step, SYS.execve, path, argv, program.strings([]));
        const end = runProgram(program.finish());
        assert.ok(end instanceof ExitStatus && end.ok, String(end));
        const { fds } = JSON.parse(readFileSync(file, 'utf8')) as State;
        const inherited = descriptorNumbers();
        const left = inherited.filter((fd) => fd > last && attempt('fcntl', fd, F.F_GETFD) === 0);
        assert.ok(last > 0xffff || left.length >= 149, 'there are some behind the range');
        const open = [0, 1, 2, ...left].sort((a, b) => a - b);
        assert.deepEqual(Object.keys(fds).map(Number), open);
      }
    } finally {
      for (const fd of dups) close(fd);
    }
  }));
