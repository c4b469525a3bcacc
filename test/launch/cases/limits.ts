import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { limits as attribute, LimitOptions } from '#dist/launch/limits.js';
import { RLIMIT } from '#dist/syscall/constants.js';
import { type CasesOf, denied } from '../../helpers/cases.js';
import { hasCapability } from '../../helpers/facilities.js';

type Rlimits = NonNullable<LimitOptions['rlimits']>;

const INFINITE = -1;
const MIB = 2 ** 20;

const limit = (least: number, most: number): fc.Arbitrary<[number, number]> =>
  fc
    .tuple(fc.integer({ min: least, max: most }), fc.integer({ min: least, max: most }))
    .map(([a, b]) => [Math.min(a, b), Math.max(a, b)]);

function resourceOf(name: string): number {
  return RLIMIT[`RLIMIT_${name.toUpperCase()}` as keyof typeof RLIMIT] as number;
}

/** As helpers/state.c writes it. */
function pairOf(limits: Rlimits[keyof Rlimits]): [soft: number, hard: number] {
  const both = (Array.isArray(limits) ? limits : [limits, limits]) as [
    'unlimited' | number,
    number,
  ];
  return both.map((value) => (value === 'unlimited' ? INFINITE : value)) as [number, number];
}

export const limits: CasesOf<typeof attribute> = {
  options: {
    rlimits: {
      sample: { core: 0 },
      flags: ['--rlimit core=0'],
      refused: [
        [5],
        [{ files: 5 }, 'rlimits.files'],
        [{ core: -1 }, 'rlimits.core'],
        [{ core: [2, 1] }, 'rlimits.core'],
        [{ core: [1] }, 'rlimits.core'],
        [{ core: ['a', 1] }, 'rlimits.core[0]'],
      ],
      any: fc.record(
        {
          core: fc.oneof(limit(0, 2 ** 40), fc.constant('unlimited' as const)),
          cpu: limit(1000, 10_000),
          fsize: limit(MIB, 2 ** 40),
          locks: limit(0, 1000),
          memlock: limit(0, 8 * MIB),
          msgqueue: limit(0, 819_200),
          nice: limit(0, 40),
          nofile: limit(64, 4096),
          rss: limit(0, 2 ** 40),
          rtprio: limit(0, 99),
          rttime: limit(10_000_000, 100_000_000),
          sigpending: limit(10, 1000),
          stack: limit(MIB, 8 * MIB),
        },
        { requiredKeys: [] },
      ) as fc.Arbitrary<Rlimits>,
    },
  },
  steps: {
    prlimit64: {
      options: { rlimits: { core: [0, 'unlimited'] } },
      deny: denied('prlimit64'),
      argument: 'core=0:unlimited',
    },
  },
  found(state, { rlimits = {} }, usual) {
    const expected = { ...usual.rlimits };
    for (const [name, limits] of Object.entries(rlimits)) {
      expected[resourceOf(name)] = pairOf(limits);
    }
    assert.deepEqual({ ...state.rlimits }, expected);
  },
  allowed({ rlimits }, usual) {
    if (rlimits === undefined || hasCapability('CAP_SYS_RESOURCE')) return {};
    const entries = Object.entries(rlimits).map(([name, limits]) => {
      const most = usual.rlimits[resourceOf(name)]?.[1] ?? INFINITE;
      if (most === INFINITE) return [name, limits];
      const lowered = pairOf(limits).map((value) =>
        value === INFINITE ? most : Math.min(value, most),
      );
      return [name, lowered];
    });
    return { rlimits: Object.fromEntries(entries) as Rlimits };
  },
};
