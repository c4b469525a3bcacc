import { checkBoolean, checkInteger, invalid, outOfRange, refused } from '../syscall/check.js';
import { LAYOUT, SCHED, SYS } from '../syscall/constants.js';
import { writeStruct } from '../syscall/layout.js';
import type { Attribute } from './attribute.js';
import type { ProgramBuilder } from './program.js';
import { checkKeys, toNumber, toWords } from './values.js';

/** How the kernel schedules a process. */
export interface Scheduler {
  /**
   * `'other'` is the usual policy; `'batch'` is for work that is not interactive; `'idle'` runs
   * when no other process wants the processor; `'fifo'` and `'rr'` are real-time policies;
   * `'deadline'`: sched(7).
   */
  policy: 'other' | 'batch' | 'idle' | 'fifo' | 'rr' | 'deadline';
  /** For `'fifo'` and `'rr'`, required: from 1 (lowest) to 99. */
  priority?: number;
  /** For `'deadline'`, required: nanoseconds of processor time in each period. */
  runtime?: number | bigint;
  /** For `'deadline'`, required: `runtime` is given within these nanoseconds of a period. */
  deadline?: number | bigint;
  /** For `'deadline'`: the length of a period in nanoseconds. Default: `deadline`. */
  period?: number | bigint;
  /**
   * Whether children of the process start with the usual policy: SCHED_RESET_ON_FORK. Without it, a
   * process with the policy `'deadline'` cannot have children. Default: false.
   */
  resetOnFork?: boolean;
}

/** The scheduler of the process. */
export interface SchedulerOptions {
  /**
   * The scheduling policy and priority: sched_setscheduler(2), or sched_setattr(2) for `'deadline'`
   * (Linux 3.14). The nice value does not change; use `nice`. Real-time policies need CAP_SYS_NICE
   * or `rlimits.rtprio` of this process, otherwise EPERM. EBUSY if the processors do not have that
   * much time left for `'deadline'`. Default: that of the thread that launches; see `nice`.
   */
  scheduler?: Scheduler | undefined;
}

const POLICIES: Readonly<Record<Scheduler['policy'], number>> = {
  other: SCHED.SCHED_OTHER,
  batch: SCHED.SCHED_BATCH,
  idle: SCHED.SCHED_IDLE,
  fifo: SCHED.SCHED_FIFO,
  rr: SCHED.SCHED_RR,
  deadline: SCHED.SCHED_DEADLINE,
};

const STEPS = ['sched_setscheduler', 'sched_setattr'] as const;
type Program = ProgramBuilder<(typeof STEPS)[number]>;

const KEYS = ['policy', 'priority', 'runtime', 'deadline', 'period', 'resetOnFork'] as const;
const TIMES = ['runtime', 'deadline', 'period'] as const;
/** The kernel calculates with no less, and the times are signed there. */
const LEAST_TIME = 1024n;
const MOST_TIME = 2n ** 63n - 1n;

function checkTime(name: (typeof TIMES)[number], time: unknown): void {
  const option = `scheduler.${name}`;
  const expected = `a whole number of nanoseconds from ${LEAST_TIME} to ${MOST_TIME}`;
  if (typeof time !== 'number' && typeof time !== 'bigint') throw invalid(option, time, expected);
  if (typeof time === 'number' && !Number.isSafeInteger(time)) {
    throw outOfRange(option, time, expected);
  }
  const value = BigInt(time);
  if (value < LEAST_TIME || value > MOST_TIME) throw outOfRange(option, time, expected);
}

/** Refuses what the policy has no use for. */
function checkUnused(scheduler: Scheduler, keys: readonly (keyof Scheduler)[]): void {
  for (const key of keys) {
    if (scheduler[key] === undefined) continue;
    const option = `scheduler.${key}`;
    throw refused(option, `cannot be combined with the policy '${scheduler.policy}'`);
  }
}

function checkDeadline(scheduler: Scheduler): void {
  checkUnused(scheduler, ['priority']);
  checkTime('runtime', scheduler.runtime);
  checkTime('deadline', scheduler.deadline);
  if (scheduler.period !== undefined) checkTime('period', scheduler.period);
  const { runtime, deadline, period } = timesOf(scheduler);
  if (runtime > deadline) {
    throw outOfRange('scheduler.runtime', scheduler.runtime, 'at most scheduler.deadline');
  }
  if (deadline > period) {
    throw outOfRange('scheduler.deadline', scheduler.deadline, 'at most scheduler.period');
  }
}

function timesOf({ runtime = 0, deadline = 0, period = deadline }: Scheduler) {
  return { runtime: BigInt(runtime), deadline: BigInt(deadline), period: BigInt(period) };
}

function emitDeadline(program: Program, scheduler: Scheduler): void {
  const times = timesOf(scheduler);
  const attributes = writeStruct(LAYOUT.sched_attr, {
    // What every kernel that has the call takes.
    size: SCHED.SCHED_ATTR_SIZE_VER0,
    policy: POLICIES.deadline,
    flags: scheduler.resetOnFork ? SCHED.SCHED_FLAG_RESET_ON_FORK : 0,
    ...times,
  });
  const argument = `deadline:${Object.values(times).join(':')}`;
  const step = { name: 'sched_setattr', argument } as const;
  const address = program.words(toWords(attributes));
  program.must(step, SYS.sched_setattr, 0, address, 0);
}

function isRealTime(policy: Scheduler['policy']): boolean {
  return policy === 'fifo' || policy === 'rr';
}

export const scheduler: Attribute<SchedulerOptions, typeof STEPS> = {
  options: ['scheduler'],
  steps: STEPS,
  on: ['linux'],
  check({ scheduler }) {
    if (scheduler === undefined) return;
    checkKeys('scheduler', scheduler, KEYS);
    const { policy, priority, resetOnFork = false } = scheduler;
    if (!Object.hasOwn(POLICIES, policy)) {
      const names = Object.keys(POLICIES).join(', ');
      throw invalid('scheduler.policy', policy, `one of ${names}`);
    }
    checkBoolean('scheduler.resetOnFork', resetOnFork);
    if (policy === 'deadline') {
      checkDeadline(scheduler);
      return;
    }
    checkUnused(scheduler, isRealTime(policy) ? TIMES : ['priority', ...TIMES]);
    if (isRealTime(policy)) checkInteger('scheduler.priority', priority, 1, 99);
  },
  emit(program, { options: { scheduler } }) {
    if (scheduler === undefined) return;
    const { policy, priority: level = 0, resetOnFork } = scheduler;
    if (policy === 'deadline') {
      emitDeadline(program, scheduler);
      return;
    }
    const number = POLICIES[policy] | (resetOnFork ? SCHED.SCHED_RESET_ON_FORK : 0);
    const argument = isRealTime(policy) ? `${policy}:${level}` : policy;
    // Not sched_setattr, which would set the nice value too, to one that is not known here.
    const parameter = program.words([BigInt(level)]);
    const step = { name: 'sched_setscheduler', argument } as const;
    program.must(step, SYS.sched_setscheduler, 0, number, parameter);
  },
  flags: [
    {
      flags: '--scheduler <policy>',
      description:
        'other, batch, idle, fifo:PRIORITY, rr:PRIORITY or deadline:RUNTIME:DEADLINE (ns)',
      apply: (_, value) => ({ scheduler: toScheduler(value) }),
    },
  ],
  trials: () => ({
    scheduler: [
      { options: { scheduler: { policy: 'fifo', priority: 1 } } },
      { options: { scheduler: { policy: 'batch' } }, limit: 'no real-time policies' },
    ],
  }),
};

/** `fifo:10`, or `deadline:RUNTIME:DEADLINE:PERIOD`. */
function toScheduler(text: string): Scheduler {
  const [policy, ...words] = text.split(':');
  const numbers = words.map(toNumber);
  const names = policy === 'deadline' ? TIMES : (['priority'] as const);
  // A number too many is one that no option takes.
  const entries = numbers.map((number, index) => [names[index] ?? `number ${index + 1}`, number]);
  return { policy, ...Object.fromEntries(entries) } as Scheduler;
}
