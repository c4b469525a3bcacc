import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { oomScore as attribute } from '#dist/launch/oom-score.js';
import { O } from '#dist/syscall/constants.js';
import { type CasesOf, denied } from '../../helpers/cases.js';
import { hasCapability } from '../../helpers/facilities.js';

export const oomScore: CasesOf<typeof attribute> = {
  options: {
    oomScoreAdj: {
      sample: 500,
      flags: ['--oom-score-adj 500'],
      refused: [['5'], [1001], [-1001], [0.5]],
      any: fc.integer({ min: -1000, max: 1000 }),
    },
  },
  steps: {
    open: {
      options: { oomScoreAdj: 777 },
      deny: denied('openat', [2, O.O_WRONLY | O.O_CLOEXEC]),
      argument: '/proc/self/oom_score_adj',
    },
    write: {
      options: { oomScoreAdj: 777 },
      deny: denied('write', [2, 3]), // three bytes: no other write here has as many
      argument: 'oom_score_adj=777',
    },
  },
  found(state, { oomScoreAdj }, usual) {
    assert.equal(Number(state.oomScoreAdj), oomScoreAdj ?? Number(usual.oomScoreAdj));
  },
  allowed({ oomScoreAdj }, usual) {
    if (oomScoreAdj === undefined || hasCapability('CAP_SYS_RESOURCE')) return {};
    return { oomScoreAdj: Math.max(oomScoreAdj, Number(usual.oomScoreAdj)) };
  },
};
