// Filters of system calls agree with their rules, as they are compiled and as the kernel runs them.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { backend } from '#dist/backend.js';
import { run, type SeccompAction, type SeccompArgument, type SeccompFilter } from '#dist/index.js';
import { i386Calls } from '#dist/sandbox/calls-i386.js';
import { actionNumber, compileFilter } from '#dist/sandbox/seccomp-filter.js';
import { PROFILE_NAMES, profileOf } from '#dist/sandbox/seccomp-profiles.js';
import { AUDIT_ARCH, E, PR, SECCOMP, SYS } from '#dist/syscall/constants.js';
import { type Call, callWords, resultsOf } from '../helpers/calls.js';
import { helper } from '../helpers/state.js';
import { test } from '../helpers/test.js';
import { decide, interpret, type Made } from './bpf.js';

const lack = backend !== 'linux' && 'filters are of Linux, and not of the portable backend';

const calls = Object.entries(SYS as Readonly<Record<string, number>>);
const nameOf = new Map(calls.map(([name, number]) => [number, name]));
const names = calls.map(([name]) => name);
const last = Math.max(...nameOf.keys());

const action = fc.oneof(
  fc.constantFrom<SeccompAction>('allow', 'errno', 'kill', 'killThread', 'trap', 'log'),
  fc.integer({ min: 1, max: 4095 }).map((errno) => ({ errno })),
);

/** Values whose halves are often alike. */
const word = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc
    .tuple(fc.constantFrom(0n, 1n, 2n ** 32n - 1n), fc.constantFrom(0n, 1n, 2n, 2n ** 32n - 1n))
    .map(([high, low]) => (high << 32n) | low),
);

const argument: fc.Arbitrary<SeccompArgument> = fc.record(
  {
    index: fc.integer({ min: 0, max: 5 }),
    op: fc.constantFrom('eq', 'ne', 'lt', 'le', 'gt', 'ge'),
    value: word,
    mask: word,
    bits: fc.constantFrom(32, 64),
  },
  { requiredKeys: ['index', 'op', 'value'] },
);

const ruleOf = (names: readonly string[]) =>
  fc.record(
    {
      calls: fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 4 }),
      arguments: fc.array(argument, { maxLength: 3 }),
      action,
    },
    { requiredKeys: ['calls', 'action'] },
  );

const filterOf = (names: readonly string[], most: number): fc.Arbitrary<SeccompFilter> =>
  fc.record({ rules: fc.array(ruleOf(names), { maxLength: most }), default: action });

test(
  'a compiled filter decides on every call as its rules do',
  () => {
    fc.assert(
      fc.property(
        filterOf(names.slice(0, 12), 40),
        fc.array(fc.tuple(fc.nat(14), fc.array(word, { minLength: 6, maxLength: 6 })), {
          minLength: 20,
          maxLength: 20,
        }),
        (filter, made) => {
          const bytes = compileFilter(filter);
          for (const [number, args] of made) {
            const call: Made = { number, architecture: AUDIT_ARCH, args };
            const wanted = actionNumber(decide(filter, nameOf.get(number), call));
            assert.equal(interpret(bytes, call).action, wanted >>> 0);
          }
        },
      ),
      { numRuns: 300 },
    );
  },
  { skip: lack },
);

/** A filter of so many rules, each about one call, with actions that tell them apart. */
function filterWith(count: number, without: readonly string[] = []): SeccompFilter {
  const left = names.filter((name) => !without.includes(name));
  const rules = Array.from({ length: count }, (_, index) => ({
    calls: [left[(index * 7) % left.length] as string],
    action: { errno: 1000 + index } as const,
    ...(index % 3 === 1
      ? { arguments: [{ index: index % 6, op: 'eq', value: index % 2 } as const] }
      : {}),
  }));
  return { rules };
}

const none: readonly bigint[] = [0n, 0n, 0n, 0n, 0n, 0n];

for (const count of [1, 50, 400]) {
  test(
    `a filter of ${count} rules agrees with a model for every number, and costs each alike`,
    () => {
      const filter = filterWith(count);
      const bytes = compileFilter(filter);
      const steps: number[] = [];
      for (let number = 0; number <= last + 100; number++) {
        const call: Made = { number, architecture: AUDIT_ARCH, args: none };
        const result = interpret(bytes, call);
        assert.equal(result.action, actionNumber(decide(filter, nameOf.get(number), call)) >>> 0);
        steps.push(result.steps);
      }
      // Six of them before the tree, and six for each argument of a rule in it.
      const depth = Math.ceil(Math.log2(2 * Math.min(count, names.length) + 2));
      assert.ok(Math.max(...steps) <= 6 + depth + 2 + 6 * 2, `${Math.max(...steps)} steps`);
    },
    { skip: lack },
  );
}

/** The number of a call that has no arguments and no effect. */
const probe = 'sched_yield';

const install = (filter: Uint8Array): Call => [
  'seccomp',
  SECCOMP.SECCOMP_SET_MODE_FILTER,
  0,
  { filter },
];

/** What the kernel answers to calls under a filter, above another that refuses all of them. */
async function answers(filter: SeccompFilter, made: readonly Call[]): Promise<number[]> {
  const own = ['write', 'exit_group', 'seccomp'];
  // What is refused is refused with an errno that the filter has nowhere.
  const floor: SeccompFilter = {
    default: { errno: 999 },
    rules: [{ calls: own, action: 'allow' }],
  };
  const all: Call[] = [
    ['prctl', PR.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0],
    install(compileFilter(floor)),
    install(compileFilter(filter)),
    ...made,
  ];
  const { stdout } = await run(helper('calls'), callWords(all));
  const [privileges, first, second, ...results] = JSON.parse(stdout) as number[];
  assert.deepEqual([privileges, first, second], [0, 0, 0]);
  return results;
}

for (const count of [1, 50, 400]) {
  test(
    `the kernel answers by a filter of ${count} rules as a model does, for every call of the table`,
    async () => {
      // The kernel runs the last two whatever a filter says: they are its own, for tracing.
      const own = ['write', 'exit_group', 'seccomp', 'uprobe', 'uretprobe'];
      const filter = filterWith(count, own);
      const numbers = [...nameOf.keys()].filter(
        (number) => !own.includes(nameOf.get(number) ?? ''),
      );
      const made = numbers.map((number): Call => [number, 0, 0, 0, 0, 0, 0]);
      const wanted = numbers.map((number) => {
        const call: Made = { number, architecture: AUDIT_ARCH, args: none };
        const decided = decide(filter, nameOf.get(number), call);
        return decided === 'allow' ? -999 : -(decided as { errno: number }).errno;
      });
      assert.deepEqual(await answers(filter, made), wanted);
    },
    { skip: lack },
  );
}

test(
  'the kernel compares arguments as a model does, in both halves, with masks and as int',
  async () => {
    const values = [0n, 1n, 2n, 0xffff_ffffn, 2n ** 32n, 2n ** 32n + 1n, 2n ** 64n - 1n];
    const given = values.map((value): Call => [probe, 0, 0, value]);
    for (const op of ['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const) {
      // A filter for each value would take long: a rule for each, told apart by another argument.
      const variants = values.flatMap((value) => [
        { index: 2, op, value },
        { index: 2, op, value, bits: 32 as const },
        { index: 2, op, value, mask: 0x1_0000_0001n },
      ]);
      const rules = variants.map((argument, index) => ({
        calls: [probe],
        arguments: [{ index: 5, op: 'eq' as const, value: index }, argument],
        action: { errno: 1000 + index },
      }));
      const made = variants.flatMap((_, index) =>
        given.map(([name, , , value]): Call => [name, 0, 0, value as bigint, 0, 0, index]),
      );
      const wanted = made.map(([, ...args]) => {
        const call = {
          number: 0,
          architecture: AUDIT_ARCH,
          args: args.map((each) => BigInt(each as bigint)),
        };
        const decided = decide({ rules }, probe, call);
        return decided === 'allow' ? -999 : -(decided as { errno: number }).errno;
      });
      assert.deepEqual(await answers({ rules }, made), wanted, op);
    }
  },
  { skip: lack },
);

test(
  'the kernel carries out every action',
  async () => {
    const under = (action: SeccompAction) => ({ seccomp: { rules: [{ calls: [probe], action }] } });
    const answer = async (action: SeccompAction): Promise<number | string | undefined> =>
      (await resultsOf([[probe]], under(action)))[0];
    assert.equal(await answer('allow'), 0);
    assert.equal(await answer('log'), 0);
    assert.equal(await answer('errno'), 'EPERM');
    assert.equal(await answer({ errno: 'EDOM' }), 'EDOM');
    assert.equal(await answer({ errno: E.ENOSPC }), 'ENOSPC');
    for (const action of ['kill', 'killThread', 'trap'] as const) {
      const words = callWords([[probe]]);
      const { status } = await run(helper('calls'), words, { ...under(action), reject: false });
      assert.equal(status.signal, 'SIGSYS', action);
    }
  },
  { skip: lack },
);

test(
  'calls of x32 and of other architectures end the process, and those of a tracer do not',
  () => {
    const bytes = compileFilter({ rules: [] });
    const decided = (number: number, architecture: number = AUDIT_ARCH): number =>
      interpret(bytes, { number, architecture, args: none }).action;
    const kill = actionNumber('kill') >>> 0;
    assert.equal(decided(0, 0x4000_0028), kill);
    if (process.arch !== 'x64') return;
    assert.equal(decided(0x4000_0000), kill);
    assert.equal(decided(0x4000_0000 + 39), kill);
    assert.equal(decided(0xffff_ffff), actionNumber('allow'));
    assert.equal(decided(4, 0x4000_0003), kill);
  },
  { skip: lack },
);

test(
  'a rule holds for i386 by the numbers of i386',
  () => {
    const filter: SeccompFilter = {
      architectures: ['x86_64', 'i386'],
      rules: [{ calls: ['write', 'socketcall'], action: 'errno' }],
    };
    const bytes = compileFilter(filter);
    for (const [name, number] of i386Calls()) {
      const call = { number, architecture: 0x4000_0003, args: none };
      assert.equal(interpret(bytes, call).action, actionNumber(decide(filter, name, call)) >>> 0);
    }
  },
  { skip: lack || (process.arch !== 'x64' && 'this machine does not run programs for i386') },
);

const header = '/usr/include/x86_64-linux-gnu/asm/unistd_32.h';
test(
  'the numbers of i386 are those of the header of the kernel',
  () => {
    const known = i386Calls();
    const defined = readFileSync(header, 'utf8').matchAll(/#define __NR_(\w+) (\d+)/g);
    for (const [, name, number] of defined) assert.equal(known.get(name as string), Number(number));
  },
  { skip: !existsSync(header) && `${header} is not there` },
);

test(
  'a number that is newer than the tables fails with ENOSYS in every profile',
  () => {
    for (const name of PROFILE_NAMES) {
      const call = { number: last + 1, architecture: AUDIT_ARCH, args: none };
      const { action } = interpret(compileFilter(profileOf(name)), call);
      assert.equal(action, actionNumber({ errno: 'ENOSYS' }), name);
    }
  },
  { skip: lack },
);
