import assert from 'node:assert/strict';
import { constants, getPriority, setPriority } from 'node:os';
import type { ProcessAttributes } from '#dist/process/index.js';
import { SCHED } from '#dist/syscall/constants.js';
import { hasCapability, lackOfCapabilities } from '../helpers/facilities.js';
import { optionsOf } from '../helpers/flags.js';
import {
  asRoot,
  assertFails,
  assertRefused,
  attemptBy,
  attemptsBy,
  NOBODY,
} from '../helpers/identity.js';
import { stateOf } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const noNice = lackOfCapabilities('CAP_SYS_NICE');

/** CPUs that this process may run on. */
async function ownCpus(): Promise<number[]> {
  return (await stateOf()).cpus;
}

test('nice sets the nice value of the child', async () => {
  const own = getPriority();
  for (const nice of [0, 7, constants.priority.PRIORITY_LOW]) {
    const { scheduler } = await stateOf({ nice });
    assert.equal(scheduler.nice, nice);
  }
  assert.equal(getPriority(), own);
});

test(
  'nice below the present value without the privilege fails by name',
  async (context) => {
    if (noNice === false) assert.equal((await stateOf({ nice: -20 })).scheduler.nice, -20);
    else await assertFails({ nice: -20 }, { step: 'setpriority', code: 'EACCES', argument: '-20' });
    const { failure } = await attemptBy({ credential: NOBODY }, { nice: -1 });
    assert.deepEqual(failure, { step: 'setpriority', code: 'EACCES', argument: '-1' });
    if (noNice !== false) return context.skip(noNice);
    const allowed: ProcessAttributes = {
      credential: NOBODY,
      capabilities: { ambient: ['CAP_SYS_NICE'] },
    };
    assert.equal((await attemptBy(allowed, { nice: -1 })).state?.scheduler.nice, -1);
  },
  asRoot,
);

test(
  'a later change of this process is not inherited, and nice sets it',
  async () => {
    const own = getPriority();
    try {
      setPriority(3);
      assert.equal((await stateOf()).scheduler.nice, own);
      assert.equal((await stateOf({ nice: getPriority() })).scheduler.nice, 3);
    } finally {
      setPriority(own);
    }
  },
  { skip: asRoot.skip || noNice },
);

test('cpuAffinity sets the CPUs of the child', async () => {
  const cpus = await ownCpus();
  for (const list of [[cpus[0]], [cpus.at(-1)], cpus, [...cpus, ...cpus].reverse()]) {
    const state = await stateOf({ cpuAffinity: list as number[] });
    assert.deepEqual(
      state.cpus,
      [...new Set(list)].sort((a, b) => Number(a) - Number(b)),
    );
  }
  const some = await stateOf({ cpuAffinity: [cpus[0] as number, 8191] });
  assert.deepEqual(some.cpus, [cpus[0]], 'what does not exist is left out');
  assert.deepEqual(await ownCpus(), cpus);
  const failure = { step: 'sched_setaffinity', code: 'EINVAL', argument: '8190,8191' };
  await assertFails({ cpuAffinity: [8190, 8191] }, failure);
});

test('scheduler sets the policy and keeps the nice value', async () => {
  for (const [policy, number] of [
    ['other', SCHED.SCHED_OTHER],
    ['batch', SCHED.SCHED_BATCH],
    ['idle', SCHED.SCHED_IDLE],
  ] as const) {
    const { scheduler } = await stateOf({ scheduler: { policy }, nice: 4 });
    const { flags, nice } = scheduler;
    assert.deepEqual(
      { policy: scheduler.policy, flags, nice },
      { policy: number, flags: 0, nice: 4 },
    );
  }
  const [attempt] = await attemptsBy({ nice: 6 }, [{ scheduler: { policy: 'batch' } }]);
  assert.equal(attempt?.state?.scheduler.nice, 6);
  const { scheduler } = await stateOf({ scheduler: { policy: 'batch', resetOnFork: true } });
  assert.equal(scheduler.flags, SCHED.SCHED_FLAG_RESET_ON_FORK);
});

test(
  'scheduler sets real-time and deadline policies',
  async () => {
    for (const [policy, number] of [
      ['fifo', SCHED.SCHED_FIFO],
      ['rr', SCHED.SCHED_RR],
    ] as const) {
      for (const priority of [1, 99]) {
        const { scheduler } = await stateOf({ scheduler: { policy, priority } });
        assert.deepEqual([scheduler.policy, scheduler.priority], [number, priority]);
      }
    }
    const runtime = 1_000_000;
    const deadline = 20_000_000n;
    const plain = await stateOf({ scheduler: { policy: 'deadline', runtime, deadline } });
    const expected = { policy: SCHED.SCHED_DEADLINE, flags: 0, nice: 0, priority: 0, runtime };
    const times = { deadline: 20_000_000, period: 20_000_000 };
    assert.deepEqual(plain.scheduler, { ...expected, ...times });
    const full = await stateOf({
      scheduler: { policy: 'deadline', runtime, deadline, period: 30_000_000, resetOnFork: true },
    });
    assert.deepEqual(full.scheduler, { ...expected, ...times, period: 30_000_000, flags: 1 });
  },
  { skip: asRoot.skip || noNice },
);

test(
  'a policy that is not permitted or not possible fails by name',
  async () => {
    const list: ProcessAttributes[] = [
      { scheduler: { policy: 'fifo', priority: 10 } },
      { scheduler: { policy: 'deadline', runtime: 1_000_000, deadline: 10_000_000 } },
      { scheduler: { policy: 'batch' } },
    ];
    const attempts = await attemptsBy({ credential: NOBODY }, list);
    const argument = 'deadline:1000000:10000000:10000000';
    assert.deepEqual(
      attempts.map(({ failure }) => failure),
      [
        { step: 'sched_setscheduler', code: 'EPERM', argument: 'fifo:10' },
        { step: 'sched_setattr', code: 'EPERM', argument },
        undefined,
      ],
    );
    // A period shorter than /proc/sys/kernel/sched_deadline_period_min_us, and a whole processor.
    const short = { policy: 'deadline', runtime: 1024, deadline: 2048 } as const;
    const shortFailure = { step: 'sched_setattr', argument: 'deadline:1024:2048:2048' };
    await assertFails({ scheduler: short }, { ...shortFailure, code: 'EINVAL' });
  },
  asRoot,
);

test('ioPriority sets class and level', async () => {
  const of = async (
    ioPriority: NonNullable<ProcessAttributes['ioPriority']>,
  ): Promise<number[]> => {
    const state = await stateOf({ ioPriority });
    return [state.ioPriority >> 13, state.ioPriority & 7];
  };
  assert.deepEqual(await of({ class: 'best-effort' }), [2, 4]);
  assert.deepEqual(await of({ class: 'best-effort', level: 0 }), [2, 0]);
  assert.deepEqual(await of({ class: 'best-effort', level: 7 }), [2, 7]);
  assert.deepEqual(await of({ class: 'idle' }), [3, 0]);
  assert.deepEqual(await of({ class: 'none' }), [0, 0]);
});

test(
  'ioPriority realtime without the privilege fails by name',
  async (context) => {
    const ioPriority = { class: 'realtime', level: 1 } as const;
    const refused = { step: 'ioprio_set', code: 'EPERM', argument: 'realtime:1' };
    if (noNice === false || hasCapability('CAP_SYS_ADMIN')) {
      assert.equal((await stateOf({ ioPriority })).ioPriority, (1 << 13) | 1);
    } else {
      context.diagnostic(noNice);
      await assertFails({ ioPriority }, refused);
    }
    const { failure } = await attemptBy({ credential: NOBODY }, { ioPriority });
    assert.deepEqual(failure, refused);
  },
  asRoot,
);

test('invalid scheduling options are refused by name', async () => {
  const time = { policy: 'deadline', runtime: 2048, deadline: 4096 };
  const refused: [options: object, path: string][] = [
    [{ nice: 20 }, 'nice'],
    [{ nice: -21 }, 'nice'],
    [{ nice: '1' }, 'nice'],
    [{ cpuAffinity: [] }, 'cpuAffinity'],
    [{ cpuAffinity: 1 }, 'cpuAffinity'],
    [{ cpuAffinity: [0, -1] }, 'cpuAffinity[1]'],
    [{ cpuAffinity: [8192] }, 'cpuAffinity[0]'],
    [{ scheduler: 'fifo' }, 'scheduler'],
    [{ scheduler: {} }, 'scheduler.policy'],
    [{ scheduler: { policy: 'FIFO' } }, 'scheduler.policy'],
    [{ scheduler: { policy: 'constructor' } }, 'scheduler.policy'],
    [{ scheduler: { policy: 'other', prio: 1 } }, 'scheduler.prio'],
    [{ scheduler: { policy: 'other', priority: 0 } }, 'scheduler.priority'],
    [{ scheduler: { policy: 'fifo' } }, 'scheduler.priority'],
    [{ scheduler: { policy: 'fifo', priority: 0 } }, 'scheduler.priority'],
    [{ scheduler: { policy: 'rr', priority: 100 } }, 'scheduler.priority'],
    [{ scheduler: { policy: 'rr', priority: 1, runtime: 5000 } }, 'scheduler.runtime'],
    [{ scheduler: { policy: 'other', resetOnFork: 1 } }, 'scheduler.resetOnFork'],
    [{ scheduler: { policy: 'deadline' } }, 'scheduler.runtime'],
    [{ scheduler: { ...time, priority: 1 } }, 'scheduler.priority'],
    [{ scheduler: { ...time, deadline: undefined } }, 'scheduler.deadline'],
    [{ scheduler: { ...time, runtime: 1023 } }, 'scheduler.runtime'],
    [{ scheduler: { ...time, runtime: 2000.5 } }, 'scheduler.runtime'],
    [{ scheduler: { ...time, runtime: 4097 } }, 'scheduler.runtime'],
    [{ scheduler: { ...time, period: 4095n } }, 'scheduler.deadline'],
    [{ scheduler: { ...time, period: 2n ** 63n } }, 'scheduler.period'],
    [{ ioPriority: 4 }, 'ioPriority'],
    [{ ioPriority: {} }, 'ioPriority.class'],
    [{ ioPriority: { class: 'rt' } }, 'ioPriority.class'],
    [{ ioPriority: { class: 'best-effort', level: 8 } }, 'ioPriority.level'],
    [{ ioPriority: { class: 'idle', level: 0 } }, 'ioPriority.level'],
  ];
  for (const [options, path] of refused) await assertRefused(options, path);
});

test('the flags for scheduling set the options', async () => {
  assert.deepEqual(optionsOf('--nice -5'), { nice: -5 });
  assert.deepEqual(optionsOf('--cpu-affinity 0,2-4'), { cpuAffinity: [0, 2, 3, 4] });
  const policies = {
    batch: { policy: 'batch' },
    'fifo:10': { policy: 'fifo', priority: 10 },
    'deadline:2000:3000': { policy: 'deadline', runtime: 2000, deadline: 3000 },
    'deadline:2000:3000:4000': { policy: 'deadline', runtime: 2000, deadline: 3000, period: 4000 },
  };
  for (const [text, scheduler] of Object.entries(policies)) {
    assert.deepEqual(optionsOf(`--scheduler ${text}`), { scheduler });
  }
  const level = { class: 'best-effort', level: 4 };
  assert.deepEqual(optionsOf('--io-priority best-effort:4'), { ioPriority: level });
  assert.deepEqual(optionsOf('--io-priority idle'), { ioPriority: { class: 'idle' } });
  const refused: [flag: string, path: string][] = [
    ['--nice low', 'nice'],
    ['--nice 1.5', 'nice'],
    ['--cpu-affinity ', 'cpuAffinity'],
    ['--cpu-affinity 3-1', 'cpuAffinity[0]'],
    ['--cpu-affinity 0,1-', 'cpuAffinity[1]'],
    ['--cpu-affinity 0-99999', 'cpuAffinity[0]'],
    ['--scheduler fifo', 'scheduler.priority'],
    ['--scheduler fifo:high', 'scheduler.priority'],
    ['--scheduler fifo:1:2', 'scheduler.number 2'],
    ['--scheduler other:1', 'scheduler.priority'],
    ['--io-priority best-effort:4:5', 'ioPriority.level'],
    ['--io-priority high', 'ioPriority.class'],
  ];
  for (const [flag, path] of refused) await assertRefused(optionsOf(flag), path);
});
