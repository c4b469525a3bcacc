import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { scheduler as attribute, Scheduler } from '#dist/launch/scheduler.js';
import { SCHED } from '#dist/syscall/constants.js';
import { type CasesOf, denied } from '../../helpers/cases.js';
import { hasCapability } from '../../helpers/facilities.js';

const POLICY = { other: 0, batch: 3, idle: 5, fifo: 1, rr: 2, deadline: 6 } as const;
const DEADLINE = { policy: 'deadline', runtime: 1_000_000, deadline: 10_000_000 } as const;

export const scheduler: CasesOf<typeof attribute> = {
  options: {
    scheduler: {
      sample: { policy: 'batch' },
      flags: ['--scheduler batch'],
      refused: [
        ['batch'],
        [{ policy: 'fast' }, 'scheduler.policy'],
        [{ policy: 'fifo' }, 'scheduler.priority'],
        [{ policy: 'fifo', priority: 100 }, 'scheduler.priority'],
        [{ policy: 'batch', priority: 1 }, 'scheduler.priority'],
        [{ policy: 'deadline' }, 'scheduler.runtime'],
        [{ policy: 'deadline', runtime: 5000, deadline: 4000 }, 'scheduler.runtime'],
      ],
      any: fc.oneof<fc.Arbitrary<Scheduler>[]>(
        fc.record({
          policy: fc.constantFrom('other', 'batch', 'idle'),
          resetOnFork: fc.boolean(),
        }),
        fc.record({
          policy: fc.constantFrom('fifo', 'rr'),
          priority: fc.integer({ min: 1, max: 99 }),
          resetOnFork: fc.boolean(),
        }),
      ),
    },
  },
  steps: {
    sched_setscheduler: {
      options: { scheduler: { policy: 'batch' } },
      deny: denied('sched_setscheduler'),
      argument: 'batch',
    },
    sched_setattr: {
      options: { scheduler: DEADLINE },
      deny: denied('sched_setattr'),
      argument: 'deadline:1000000:10000000:10000000',
    },
  },
  found(state, { scheduler = { policy: 'other' } }) {
    const { policy, priority = 0, resetOnFork = false } = scheduler;
    assert.equal(state.scheduler.policy, POLICY[policy]);
    assert.equal(state.scheduler.priority, priority);
    const flag = (state.scheduler.flags & SCHED.SCHED_FLAG_RESET_ON_FORK) !== 0;
    assert.equal(flag, resetOnFork);
  },
  allowed({ scheduler }) {
    const isFree = scheduler?.priority === undefined || hasCapability('CAP_SYS_NICE');
    return isFree ? {} : { scheduler: undefined };
  },
};
