import assert from 'node:assert/strict';
import type { ResourceName } from '#dist/launch/limits.js';
import { exec, type Process, startProcess } from '#dist/process/index.js';
import { call } from '#dist/syscall/call.js';
import { RLIMIT } from '#dist/syscall/constants.js';
import { optionsOf } from '../helpers/flags.js';
import { asRoot, assertFails, assertRefused, attemptsBy, NOBODY } from '../helpers/identity.js';
import { type State, stateOf } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const NUMBERS: Record<ResourceName, number> = {
  as: RLIMIT.RLIMIT_AS,
  core: RLIMIT.RLIMIT_CORE,
  cpu: RLIMIT.RLIMIT_CPU,
  data: RLIMIT.RLIMIT_DATA,
  fsize: RLIMIT.RLIMIT_FSIZE,
  locks: RLIMIT.RLIMIT_LOCKS,
  memlock: RLIMIT.RLIMIT_MEMLOCK,
  msgqueue: RLIMIT.RLIMIT_MSGQUEUE,
  nice: RLIMIT.RLIMIT_NICE,
  nofile: RLIMIT.RLIMIT_NOFILE,
  nproc: RLIMIT.RLIMIT_NPROC,
  rss: RLIMIT.RLIMIT_RSS,
  rtprio: RLIMIT.RLIMIT_RTPRIO,
  rttime: RLIMIT.RLIMIT_RTTIME,
  sigpending: RLIMIT.RLIMIT_SIGPENDING,
  stack: RLIMIT.RLIMIT_STACK,
};
const NAMES = Object.keys(NUMBERS) as ResourceName[];

function limit({ rlimits }: State, name: ResourceName): [number, number] {
  return rlimits[NUMBERS[name]] as [number, number];
}

/** All limits of this process, as the helper `state` gives them. */
function ownLimits(): [number, number][] {
  return Array.from({ length: 16 }, (_, resource) => {
    const words = new BigUint64Array(2);
    call('prlimit64', 0, resource, null, words);
    const [soft, hard] = Array.from(words, (word) => (word === 2n ** 64n - 1n ? -1 : Number(word)));
    return [soft as number, hard as number];
  });
}

/** What anybody may set and a program can run with. */
const ALLOWED: Record<ResourceName, [soft: number, hard: number]> = {
  as: [2 ** 30, 2 ** 31],
  core: [0, 4096],
  cpu: [50, 60],
  data: [1 << 29, 1 << 30],
  fsize: [1 << 20, 1 << 21],
  locks: [10, 20],
  memlock: [4096, 8192],
  msgqueue: [1000, 2000],
  nice: [0, 0],
  nofile: [64, 128],
  nproc: [1000, 2000],
  rss: [1 << 20, 1 << 21],
  rtprio: [0, 0],
  rttime: [1000, 2000],
  sigpending: [100, 200],
  stack: [1 << 20, 1 << 21],
};

test('each of the sixteen resource limits can be set on its own', async () => {
  assert.equal(NAMES.length, 16);
  const own = ownLimits();
  for (const name of NAMES) {
    const wanted = ALLOWED[name];
    const { rlimits } = await stateOf({ rlimits: { [name]: wanted } });
    const expected = own.with(NUMBERS[name], wanted);
    assert.deepEqual(rlimits, expected, name);
  }
  assert.deepEqual(ownLimits(), own, 'those of this process are as before');
});

test('all resource limits can be set together', async () => {
  const state = await stateOf({ rlimits: ALLOWED });
  for (const name of NAMES) assert.deepEqual(limit(state, name), ALLOWED[name], name);
});

test('a single value sets the soft and the hard limit', async () => {
  const state = await stateOf({ rlimits: { core: 0, nofile: 100 } });
  assert.deepEqual(limit(state, 'core'), [0, 0]);
  assert.deepEqual(limit(state, 'nofile'), [100, 100]);
});

test("a resource limit can be 'unlimited' or Infinity", async () => {
  for (const unlimited of ['unlimited', Number.POSITIVE_INFINITY] as const) {
    const state = await stateOf({
      rlimits: { core: [0, unlimited], stack: [unlimited, unlimited], fsize: unlimited },
    });
    assert.deepEqual(limit(state, 'core'), [0, -1]);
    assert.deepEqual(limit(state, 'stack'), [-1, -1]);
    assert.deepEqual(limit(state, 'fsize'), [-1, -1]);
  }
});

test('nofile can be set to its value before Node raised it', async () => {
  const [soft, hard] = ownLimits()[NUMBERS.nofile] as [number, number];
  assert.deepEqual(limit(await stateOf(), 'nofile'), [soft, hard], 'by default it stays so');
  const restored = await stateOf({ rlimits: { nofile: [1024, hard] } });
  assert.deepEqual(limit(restored, 'nofile'), [1024, hard]);
});

test(
  'raising a hard limit without the privilege fails by name',
  async () => {
    const parent = { credential: NOBODY, rlimits: { core: 100, nofile: [50, 100] } } as const;
    const attempts = await attemptsBy(parent, [
      { rlimits: { core: [0, 101] } },
      { rlimits: { nofile: 'unlimited' } },
      { rlimits: { nofile: [100, 100], core: [0, 100] } },
    ]);
    const failures = attempts.map(({ failure }) => failure);
    assert.deepEqual(failures, [
      { step: 'prlimit64', code: 'EPERM', argument: 'core=0:101' },
      { step: 'prlimit64', code: 'EPERM', argument: 'nofile=unlimited:unlimited' },
      undefined,
    ]);
  },
  asRoot,
);

test('nofile above fs.nr_open fails by name', async () => {
  const argument = 'nofile=unlimited:unlimited';
  const failure = { step: 'prlimit64', code: 'EPERM', argument };
  await assertFails({ rlimits: { nofile: 'unlimited' } }, failure);
});

test('resource limits are in effect before the program runs', async () => {
  // However small the stack, 128 KiB of arguments fit.
  const args = ['true', 'x'.repeat(100_000), 'x'.repeat(100_000)];
  const launch = startProcess('/bin/true', args, { rlimits: { stack: [131_072, 'unlimited'] } });
  await assert.rejects(launch, { step: 'execve', code: 'E2BIG' });
  const child = await startProcess('/bin/sh', ['sh', '-c', 'while :; do :; done'], {
    rlimits: { cpu: [1, 2] },
  });
  const status = await child.wait();
  assert.equal(status.signal, 'SIGXCPU');
});

test(
  'a user whose nproc is used up cannot execute a program',
  async () => {
    const credential = { uid: 424_242, gid: 424_242 };
    const start = (): Promise<Process> =>
      startProcess('/bin/sleep', ['sleep', '60'], { credential });
    const sleepers = await Promise.all([start(), start()]);
    try {
      const failure = { step: 'execve', code: 'EAGAIN', argument: '/bin/true' };
      await assertFails({ credential, rlimits: { nproc: 1 } }, failure);
      const more = await startProcess('/bin/true', ['true'], { credential, rlimits: { nproc: 3 } });
      assert.ok((await more.wait()).ok);
    } finally {
      for (const sleeper of sleepers) sleeper.signal('SIGKILL');
      await Promise.all(sleepers.map((sleeper) => sleeper.wait()));
    }
  },
  asRoot,
);

test('a failed exec leaves the resource limits as they were', () => {
  const own = ownLimits();
  const [soft, hard] = own[NUMBERS.nofile] as [number, number];
  const rlimits = { nofile: [64, hard] } as const;
  try {
    assert.throws(() => exec('/no/such', [], { rlimits }), { step: 'execve' });
    assert.deepEqual(ownLimits(), own);
  } finally {
    const limit = new BigUint64Array([BigInt(soft), BigInt(hard)]);
    call('prlimit64', 0, NUMBERS.nofile, limit, null);
  }
});

test('invalid resource limits are refused by name', async () => {
  const refused: [rlimits: unknown, path: string][] = [
    [null, 'rlimits'],
    [[1], 'rlimits'],
    [{ NOFILE: 1 }, 'rlimits.NOFILE'],
    [{ toString: 1 }, 'rlimits.toString'],
    [{ nofile: -1 }, 'rlimits.nofile'],
    [{ nofile: 1.5 }, 'rlimits.nofile'],
    [{ nofile: 2 ** 53 }, 'rlimits.nofile'],
    [{ nofile: Number.NaN }, 'rlimits.nofile'],
    [{ nofile: '10' }, 'rlimits.nofile'],
    [{ nofile: null }, 'rlimits.nofile'],
    [{ nofile: [1] }, 'rlimits.nofile'],
    [{ nofile: [1, 2, 3] }, 'rlimits.nofile'],
    [{ nofile: [2, 1] }, 'rlimits.nofile'],
    [{ nofile: ['unlimited', 1] }, 'rlimits.nofile'],
    [{ nofile: [1, 'none'] }, 'rlimits.nofile[1]'],
    [{ nofile: [Number.NEGATIVE_INFINITY, 1] }, 'rlimits.nofile[0]'],
  ];
  for (const [rlimits, path] of refused) await assertRefused({ rlimits }, path);
});

test('--rlimit sets the option', async () => {
  const flags = ['nofile=1024:4096', 'core=0', 'stack=unlimited', 'as=5:infinity', 'core=1'];
  assert.deepEqual(optionsOf(...flags.map((flag) => `--rlimit ${flag}`)), {
    rlimits: { nofile: [1024, 4096], core: 1, stack: 'unlimited', as: [5, 'unlimited'] },
  });
  const refused: [flag: string, path: string][] = [
    ['nofile', 'rlimits.nofile'],
    ['nofile=', 'rlimits.nofile'],
    ['nofile=1k', 'rlimits.nofile'],
    ['nofile=1:', 'rlimits.nofile[1]'],
    ['nofile=1:2:3', 'rlimits.nofile'],
    ['files=1', 'rlimits.files'],
  ];
  for (const [flag, path] of refused) await assertRefused(optionsOf(`--rlimit ${flag}`), path);
});
