import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { umask as attribute } from '#dist/launch/umask.js';
import { type CasesOf, denied } from '../../helpers/cases.js';

export const umask: CasesOf<typeof attribute> = {
  options: {
    umask: {
      sample: 0o77,
      flags: ['--umask 077'],
      refused: [['022'], [-1], [0o1000], [Number.NaN]],
      any: fc.integer({ min: 0, max: 0o77 }),
    },
  },
  steps: { umask: { options: { umask: 0o27 }, deny: denied('umask'), argument: '27' } },
  found: (state, { umask }, usual) => assert.equal(state.umask, umask ?? usual.umask),
};
