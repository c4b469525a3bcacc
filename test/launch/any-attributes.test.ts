// Random sets of attributes that need privileges: what was asked for is what the child finds.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isAvailable } from '#dist/launch/available.js';
import { boundingSet, type CapabilityName, ownSets } from '#dist/launch/capability-sets.js';
import type { ProcessAttributes } from '#dist/process/index.js';
import { call } from '#dist/syscall/call.js';
import { CAP, IOPRIO, RLIMIT, SCHED, SECBIT } from '#dist/syscall/constants.js';
import { needsOption } from '../helpers/backend.js';
import { nameOf, withCgroup, withoutCgroups } from '../helpers/cgroups.js';
import { noPlainNamespaces, noTimeNamespaces } from '../helpers/facilities.js';
import { asRoot, stateOfAnyone } from '../helpers/identity.js';
import { fileOf, KINDS, type Kind, own } from '../helpers/namespaces.js';
import { type State, stateOf } from '../helpers/state.js';
import { test } from '../helpers/test.js';

/** The portable backend has no word for them. */
const permitted = isAvailable('capabilities') ? ownSets().permitted : 0n;
const NAMES = (Object.keys(CAP) as CapabilityName[]).filter(
  (name) => (permitted >> BigInt(CAP[name])) & 1n,
);

/** Some members of a list, in its order. */
function some<T>(list: readonly T[]): fc.Arbitrary<T[]> {
  return fc.subarray([...list]);
}

const id = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 0xffff_fffe }));

const credential = fc.record(
  { uid: id, gid: id, groups: fc.uniqueArray(id, { maxLength: 5 }) },
  { requiredKeys: [] },
);

/** Ambient and inheritable ones are among those of the bounding set. */
const capabilities = some(NAMES).chain((bounding) =>
  fc.record(
    {
      bounding: fc.constant(bounding),
      inheritable: some(bounding),
      ambient: some(bounding),
    },
    { requiredKeys: [] },
  ),
);

const limit = (least: number, most: number): fc.Arbitrary<[number, number]> =>
  fc
    .tuple(fc.integer({ min: least, max: most }), fc.integer({ min: least, max: most }))
    .map(([a, b]) => [Math.min(a, b), Math.max(a, b)]);

const MIB = 2 ** 20;
const rlimits = fc.record(
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
);

const scheduler = fc.oneof(
  fc.record({
    policy: fc.constantFrom('other', 'batch', 'idle'),
    resetOnFork: fc.boolean(),
  }),
  fc.record({
    policy: fc.constantFrom('fifo', 'rr'),
    priority: fc.integer({ min: 1, max: 99 }),
    resetOnFork: fc.boolean(),
  }),
);

const ioPriority = fc.oneof(
  fc.record({
    class: fc.constantFrom('realtime' as const, 'best-effort' as const),
    level: fc.integer({ min: 0, max: 7 }),
  }),
  fc.constant({ class: 'idle' as const }),
);

type Securebit = keyof typeof SECBIT;

/** Before Linux 6.14 there are none of those for scripts, and setting one fails with EPERM. */
const scriptBits = (Object.keys(SECBIT) as Securebit[]).filter((name) => name.includes('_EXEC_'));
const missing: readonly Securebit[] = await stateOf({ securebits: scriptBits }).then(
  () => [],
  () => scriptBits,
);
const SECUREBITS = (Object.keys(SECBIT) as Securebit[]).filter(
  (name) => name !== 'SECBIT_KEEP_CAPS' && !missing.includes(name),
);

/** A user namespace has other rules: its own tests have them. */
const NEW: readonly Kind[] = KINDS.filter(
  (kind) => kind !== 'user' && !noPlainNamespaces && !(kind === 'time' && noTimeNamespaces),
);

const group = fc.constantFrom<ProcessAttributes>({}, { session: true }, { processGroup: 0 });

const attributes = fc
  .record(
    {
      credential,
      capabilities,
      securebits: some(SECUREBITS),
      noNewPrivileges: fc.boolean(),
      rlimits,
      nice: fc.integer({ min: -20, max: 19 }),
      oomScoreAdj: fc.integer({ min: -1000, max: 1000 }),
      scheduler,
      ioPriority,
      parentDeathSignal: fc.integer({ min: 1, max: 64 }),
      umask: fc.integer({ min: 0, max: 0o77 }),
      chroot: fc.constant('/'),
      namespaces: some(NEW).map((kinds) => Object.fromEntries(kinds.map((kind) => [kind, true]))),
      cgroup: fc.constant('the one of this test'),
    },
    { requiredKeys: [] },
  )
  .chain((rest) => group.map((alone) => ({ ...rest, ...alone }) as ProcessAttributes));

const INFINITE = -1;

/** What this process may ask for: root of a container often lacks some capabilities. */
function allowed(wanted: ProcessAttributes, usual: State): ProcessAttributes {
  const result = { ...wanted };
  if (!NAMES.includes('CAP_SYS_NICE')) {
    if (wanted.nice !== undefined) result.nice = Math.max(wanted.nice, usual.scheduler.nice);
    if (wanted.scheduler?.priority !== undefined) delete result.scheduler;
    if (wanted.ioPriority?.class === 'realtime') delete result.ioPriority;
  }
  if (NAMES.includes('CAP_SYS_RESOURCE')) return result;
  if (wanted.oomScoreAdj !== undefined) {
    result.oomScoreAdj = Math.max(wanted.oomScoreAdj, Number(usual.oomScoreAdj));
  }
  if (wanted.rlimits !== undefined) {
    const entries = Object.entries(wanted.rlimits).map(([name, limits]) => {
      const most = usual.rlimits[resourceOf(name)]?.[1] ?? INFINITE;
      if (most === INFINITE) return [name, limits];
      const [soft, hard] = limits === 'unlimited' ? [most, most] : (limits as [number, number]);
      return [name, [Math.min(soft, most), Math.min(hard, most)]];
    });
    result.rlimits = Object.fromEntries(entries);
  }
  return result;
}

function resourceOf(name: string): number {
  return RLIMIT[`RLIMIT_${name.toUpperCase()}` as keyof typeof RLIMIT] as number;
}

function bits(names: readonly CapabilityName[]): bigint {
  return names.reduce((set, name) => set | (1n << BigInt(CAP[name])), 0n);
}

/** What execve(2) makes of the capabilities that were asked for; this process has no ambient ones. */
function expectedCapabilities({ capabilities = {}, credential, securebits }: ProcessAttributes) {
  const uid = (credential as { uid?: number } | undefined)?.uid ?? 0;
  const bounding =
    capabilities.bounding === undefined ? boundingSet().present : bits(capabilities.bounding);
  const ambient = bits(capabilities.ambient ?? []);
  const before = capabilities.inheritable === undefined ? ownSets().inheritable : 0n;
  const inheritable = before | bits(capabilities.inheritable ?? []) | ambient;
  const noRoot = securebits?.includes('SECBIT_NOROOT') ?? false;
  const held = uid === 0 && !noRoot ? bounding | inheritable : ambient;
  return { bounding, inheritable, ambient, permitted: held, effective: held };
}

function foundCapabilities({ status }: State) {
  const set = (line: string): bigint => BigInt(`0x${status[line]}`);
  return {
    bounding: set('CapBnd'),
    inheritable: set('CapInh'),
    ambient: set('CapAmb'),
    permitted: set('CapPrm'),
    effective: set('CapEff'),
  };
}

const POLICY = { other: 0, batch: 3, idle: 5, fifo: 1, rr: 2, deadline: 6 } as const;
const CLASS = { none: 0, realtime: 1, 'best-effort': 2, idle: 3 } as const;

function assertScheduling(state: State, wanted: ProcessAttributes, usual: State): void {
  const { policy = 'other', priority = 0, resetOnFork = false } = wanted.scheduler ?? {};
  assert.equal(state.scheduler.policy, POLICY[policy]);
  assert.equal(state.scheduler.priority, priority);
  assert.equal((state.scheduler.flags & SCHED.SCHED_FLAG_RESET_ON_FORK) !== 0, resetOnFork);
  // A real-time process has a nice value, but sched_getattr does not tell.
  if (priority === 0) {
    assert.equal(state.scheduler.nice, wanted.nice ?? usual.scheduler.nice);
  }
  if (wanted.ioPriority !== undefined) {
    const { class: name, level = 0 } = wanted.ioPriority;
    assert.equal(state.ioPriority >> IOPRIO.IOPRIO_CLASS_SHIFT, CLASS[name]);
    assert.equal(state.ioPriority & 7, level);
  }
}

function assertLimits(state: State, wanted: ProcessAttributes, usual: State): void {
  for (const [name, limits] of Object.entries(usual.rlimits)) {
    const resource = Number(name);
    const given = Object.entries(wanted.rlimits ?? {}).find(
      ([key]) => resourceOf(key) === resource,
    );
    const expected =
      given === undefined ? limits : given[1] === 'unlimited' ? [INFINITE, INFINITE] : given[1];
    assert.deepEqual(state.rlimits[resource], expected, `limit ${given?.[0] ?? resource}`);
  }
}

function assertGroups(
  state: State,
  { session, processGroup, namespaces }: ProcessAttributes,
): void {
  // Who is not in this pid namespace has no number there.
  const inside = namespaces?.pid === true;
  const ours = (value: number): number => (inside ? 0 : value);
  assert.equal(state.ppid, ours(process.pid));
  assert.equal(state.sid, session ? state.pid : ours(call('getsid', 0)));
  const leads = session || processGroup === 0;
  assert.equal(state.pgid, leads ? state.pid : ours(call('getpgid', 0)));
  if (inside) assert.equal(state.pid, 1);
}

function assertIdentity(state: State, wanted: ProcessAttributes, usual: State): void {
  const {
    uid = 0,
    gid = 0,
    groups = [],
  } = (wanted.credential ?? {}) as {
    uid?: number;
    gid?: number;
    groups?: number[];
  };
  assert.deepEqual(state.uids, [uid, uid, uid]);
  assert.deepEqual(state.gids, [gid, gid, gid]);
  const expected = wanted.credential === undefined ? usual.groups : groups;
  const sorted = (list: readonly number[]): number[] => [...list].sort((a, b) => a - b);
  assert.deepEqual(sorted(state.groups), sorted(expected));
}

test(
  'whatever is asked for is so in the child, privileges included',
  async () => {
    needsOption('capabilities');
    const usual = await stateOf();
    await withCgroup((folder) =>
      fc.assert(
        fc.asyncProperty(attributes, async (given) => {
          const wanted = allowed(given, usual);
          if (wanted.cgroup !== undefined) wanted.cgroup = folder;
          const state = await stateOfAnyone(wanted);
          assertIdentity(state, wanted, usual);
          assert.deepEqual(foundCapabilities(state), expectedCapabilities(wanted));
          const secure = (wanted.securebits ?? []).reduce((set, name) => set | SECBIT[name], 0);
          assert.equal(state.securebits, secure);
          // What this process has given up does not come back.
          const without = wanted.noNewPrivileges || usual.status['NoNewPrivs'] === '1';
          assert.equal(state.status['NoNewPrivs'], without ? '1' : '0');
          assertLimits(state, wanted, usual);
          assertScheduling(state, wanted, usual);
          assertGroups(state, wanted);
          const score = wanted.oomScoreAdj ?? Number(usual.oomScoreAdj);
          assert.equal(Number(state.oomScoreAdj), score);
          assert.equal(state.parentDeathSignal, wanted.parentDeathSignal ?? 0);
          assert.equal(state.umask, wanted.umask ?? usual.umask);
          assert.equal(state.root, '/');
          const others = KINDS.filter((kind) => state.namespaces[fileOf(kind)] !== own(kind));
          assert.deepEqual(new Set(others), new Set(Object.keys(wanted.namespaces ?? {})));
          const inGroup = wanted.cgroup !== undefined;
          const expected = wanted.namespaces?.cgroup ? '/' : nameOf(folder);
          if (inGroup) assert.match(state.cgroup, new RegExp(`^0::${expected}$`, 'm'));
          else assert.ok(!state.cgroup.includes(nameOf(folder)));
        }),
        { numRuns: 200 },
      ),
    );
  },
  { skip: asRoot.skip || withoutCgroups.skip, timeout: 180_000 },
);
