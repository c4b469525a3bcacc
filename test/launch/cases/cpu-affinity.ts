import assert from 'node:assert/strict';
import type { cpuAffinity as attribute } from '#dist/launch/cpu-affinity.js';
import { type CasesOf, denied } from '../../helpers/cases.js';
import { stateOf } from '../../helpers/state.js';

/** One that this process may run on. */
const usableCpu = (await stateOf()).cpus[0] as number;

export const cpuAffinity: CasesOf<typeof attribute> = {
  options: {
    cpuAffinity: {
      sample: [usableCpu],
      flags: [`--cpu-affinity ${usableCpu}`],
      refused: [[0], [[]], [[-1], 'cpuAffinity[0]'], [[0, 8192], 'cpuAffinity[1]']],
    },
  },
  steps: {
    sched_setaffinity: {
      options: { cpuAffinity: [0] },
      deny: denied('sched_setaffinity'),
      argument: '0',
    },
  },
  found: (state, { cpuAffinity }, usual) => assert.deepEqual(state.cpus, cpuAffinity ?? usual.cpus),
};
