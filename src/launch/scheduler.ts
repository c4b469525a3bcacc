import { checkBoolean, checkInteger, invalid, outOfRange, refused } from '../syscall/check.js';
import { LAYOUT, SCHED, SYS } from '../syscall/constants.js';
import { writeStruct } from '../syscall/layout.js';
import type { ProgramBuilder } from './program.js';
import type { Launch, Step } from './step.js';
import { checkKeys, toNumber, toWords } from './values.js';

/** How the kernel schedules a process. */
export interface Scheduler {
  /**
   * `'other'`, the usual one; `'batch'`, for work that nobody waits for; `'idle'`, for what runs
   * when nothing else does; real-time `'fifo'` and `'rr'`; `'deadline'`: sched(7).
   */
  policy: 'other' | 'batch' | 'idle' | 'fifo' | 'rr' | 'deadline';
  /** For `'fifo'` and `'rr'`, which need it: from 1 (lowest) to 99. */
  priority?: number;
  /** For `'deadline'`, which needs it: nanoseconds of processor time in each period. */
  runtime?: number | bigint;
  /** For `'deadline'`, which needs it: nanoseconds from the start of a period to have had them. */
  deadline?: number | bigint;
  /** For `'deadline'`: nanoseconds. Default: `deadline`. */
  period?: number | bigint;
  /**
   * Whether children of the process begin with the usual policy: SCHED_RESET_ON_FORK. A process of
   * the policy `'deadline'` can have no children without it. Default: false.
   */
  resetOnFork?: boolean;
}

/** The scheduler of the process. */
export interface SchedulerOptions {
  /**
   * Policy and priority: sched_setscheduler(2), or sched_setattr(2) for `'deadline'` (Linux 3.14).
   * The nice value stays; `nice` sets it. Real-time policies take CAP_SYS_NICE or `rlimits.rtprio`
   * of this process, else EPERM; `'deadline'` EBUSY where its share of the processors can't be
   * granted. Default: that of the thread that launches; see `nice`.
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

const KEYS = ['policy', 'priority', 'runtime', 'deadline', 'period', 'resetOnFork'] as const;
const TIMES = ['runtime', 'deadline', 'period'] as const;
/** The kernel calculates with no less, and the times are signed there. */
const LEAST_TIME = 1024n;
const MOST_TIME = 2n ** 63n - 1n;

function checkTime(name: (typeof TIMES)[number], time: unknown): bigint {
  const option = `scheduler.${name}`;
  const expected = `a whole number of nanoseconds from ${LEAST_TIME} to ${MOST_TIME}`;
  if (typeof time !== 'number' && typeof time !== 'bigint') throw invalid(option, time, expected);
  if (typeof time === 'number' && !Number.isSafeInteger(time)) {
    throw outOfRange(option, time, expected);
  }
  const value = BigInt(time);
  if (value < LEAST_TIME || value > MOST_TIME) throw outOfRange(option, time, expected);
  return value;
}

/** Refuses what the policy has no use for. */
function checkUnused(scheduler: Scheduler, keys: readonly (keyof Scheduler)[]): void {
  for (const key of keys) {
    if (scheduler[key] === undefined) continue;
    const option = `scheduler.${key}`;
    throw refused(option, `cannot be combined with the policy '${scheduler.policy}'`);
  }
}

function emitDeadline(program: ProgramBuilder, scheduler: Scheduler, resetOnFork: boolean): void {
  checkUnused(scheduler, ['priority']);
  const runtime = checkTime('runtime', scheduler.runtime);
  const deadline = checkTime('deadline', scheduler.deadline);
  const period = checkTime('period', scheduler.period ?? deadline);
  if (runtime > deadline) {
    throw outOfRange('scheduler.runtime', scheduler.runtime, 'not above `scheduler.deadline`');
  }
  if (deadline > period) {
    throw outOfRange('scheduler.deadline', scheduler.deadline, 'not above `scheduler.period`');
  }
  const attributes = writeStruct(LAYOUT.sched_attr, {
    // What every kernel that has the call takes.
    size: SCHED.SCHED_ATTR_SIZE_VER0,
    policy: POLICIES.deadline,
    flags: resetOnFork ? SCHED.SCHED_FLAG_RESET_ON_FORK : 0,
    runtime,
    deadline,
    period,
  });
  const step = { name: 'sched_setattr', argument: `deadline:${runtime}:${deadline}:${period}` };
  const address = program.words(toWords(attributes));
  program.must(step as { name: 'sched_setattr' }, SYS.sched_setattr, 0, address, 0);
}

export const scheduler: Step = {
  options: ['scheduler'],
  emit(program: ProgramBuilder, { options: { scheduler: wanted } }: Launch): void {
    if (wanted === undefined) return;
    checkKeys('scheduler', wanted, KEYS);
    const { policy, priority, resetOnFork = false } = wanted;
    if (!Object.hasOwn(POLICIES, policy)) {
      const names = Object.keys(POLICIES).join(', ');
      throw invalid('scheduler.policy', policy, `one of ${names}`);
    }
    checkBoolean('scheduler.resetOnFork', resetOnFork);
    if (policy === 'deadline') {
      emitDeadline(program, wanted, resetOnFork);
      return;
    }
    const realTime = policy === 'fifo' || policy === 'rr';
    checkUnused(wanted, realTime ? TIMES : ['priority', ...TIMES]);
    const level = realTime ? checkInteger('scheduler.priority', priority, 1, 99) : 0;
    const number = POLICIES[policy] | (resetOnFork ? SCHED.SCHED_RESET_ON_FORK : 0);
    const argument = realTime ? `${policy}:${level}` : policy;
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
      apply: (options, value) => ({ ...options, scheduler: toScheduler(value) }),
    },
  ],
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
