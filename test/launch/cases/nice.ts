import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { nice as attribute } from '#dist/launch/nice.js';
import { type CasesOf, denied } from '../../helpers/cases.js';
import { hasCapability } from '../../helpers/facilities.js';

export const nice: CasesOf<typeof attribute> = {
  options: {
    nice: {
      sample: 5,
      flags: ['--nice 5'],
      refused: [['5'], [20], [-21], [0.5]],
      any: fc.integer({ min: -20, max: 19 }),
    },
  },
  steps: { setpriority: { options: { nice: 5 }, deny: denied('setpriority'), argument: '5' } },
  found({ scheduler }, { nice }, usual) {
    // A real-time process has a nice value, but sched_getattr does not tell.
    if (scheduler.priority === 0) assert.equal(scheduler.nice, nice ?? usual.scheduler.nice);
  },
  allowed({ nice }, usual) {
    if (nice === undefined || hasCapability('CAP_SYS_NICE')) return {};
    return { nice: Math.max(nice, usual.scheduler.nice) };
  },
};
