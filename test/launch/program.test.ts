import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Address, ProgramBuilder } from '#dist/launch/program.js';
import { ExitStatus } from '#dist/process/index.js';
import { PROGRAM } from '#dist/protocol.js';
import { SYS } from '#dist/syscall/constants.js';
import { decode, runProgram } from '../helpers/programs.js';
import { test } from '../helpers/test.js';

const step = { name: 'getpid' } as const;

/** What the builder is told to do. An argument is described by what must be found in the bytes. */
type Argument =
  | { immediate: number }
  | { text: string }
  | { words: bigint[] }
  | { pointer: string }
  | { list: string[] }
  | { slot: true };

const text = fc.string({ unit: 'binary', maxLength: 30 }).filter((value) => !value.includes('\0'));

const argument: fc.Arbitrary<Argument> = fc.oneof(
  fc.record({ immediate: fc.maxSafeInteger() }),
  fc.record({ text }),
  fc.record({
    words: fc.array(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), { minLength: 1, maxLength: 5 }),
  }),
  fc.record({ pointer: text }),
  fc.record({ list: fc.array(text, { maxLength: 5 }) }),
  fc.constant({ slot: true as const }),
);

const instruction = fc.record({
  mode: fc.constantFrom('must', 'ignore', 'store', 'skipIf', 'degrade', 'candidate'),
  number: fc.integer({ min: 0, max: 0xffff }),
  value: fc.integer({ min: -4095, max: 2 ** 31 - 1 }),
  skip: fc.nat(100),
  arguments: fc.array(argument, { maxLength: 6 }),
});

/** No more of them degrade than can be reported. */
const instructions = fc.array(instruction, { maxLength: 80 }).map((list) => {
  let degrading = 0;
  return list.map((one) => {
    const tooMany = one.mode === 'degrade' && ++degrading > PROGRAM.mostDegrading;
    return tooMany ? { ...one, mode: 'must' as const } : one;
  });
});

const MODES = { must: 0, ignore: 1, store: 2, skipIf: 3, degrade: 4, candidate: 5 } as const;

/** Whether the data holds what the argument describes, where the instruction says. */
function assertArgument(
  wanted: Argument | undefined,
  got: { kind: number; value: bigint },
  { data, tables, relocations }: ReturnType<typeof decode>,
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
  } else if ('pointer' in wanted) {
    const relocation = relocations.find(({ slot }) => slot === at);
    assert.ok(relocation, 'there is a relocation for the pointer');
    const bytes = Buffer.from(`${wanted.pointer}\0`);
    const { target } = relocation;
    assert.deepEqual(data.subarray(target, target + bytes.length), bytes);
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
  if ('pointer' in wanted) return program.words([program.string(wanted.pointer)]);
  return 'list' in wanted ? program.strings(wanted.list) : program.slot();
}

test('the bytes of a launch program say what the builder was given, and the addon accepts them', () =>
  fc.assert(
    fc.property(instructions, fc.nat(255), (wanted, code) => {
      const program = new ProgramBuilder();
      // The process ends before any of what follows.
      program.must(step, SYS.exit_group, code);
      const skips = wanted.map(({ skip }, index) => Math.min(skip, wanted.length - index - 1));
      const slots: number[] = [];
      for (const [index, { mode, number, value, arguments: list }] of wanted.entries()) {
        const args = list.map((one) => add(program, one));
        const count = skips[index] as number;
        if (mode === 'skipIf') program.skipIf(value, count, step, number, ...args);
        else if (mode === 'degrade') program.degrade(count, step, number, ...args);
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
        if (mode === 'degrade') assert.equal(got.skip, skips[index]);
        if (mode === 'store') assert.equal(got.skip, slots[index]);
        for (const [at, one] of got.arguments.entries()) assertArgument(args[at], one, decoded);
      }
      const end = runProgram(bytes);
      assert.ok(end instanceof ExitStatus);
      assert.equal(end.code, code);
    }),
    { numRuns: 300 },
  ));
