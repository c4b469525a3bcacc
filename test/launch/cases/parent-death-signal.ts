import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { parentDeathSignal as attribute } from '#dist/launch/parent-death-signal.js';
import { PR } from '#dist/syscall/constants.js';
import { findSignal } from '#dist/syscall/signals.js';
import { type CasesOf, denied, deniedPrctl } from '../../helpers/cases.js';

export const parentDeathSignal: CasesOf<typeof attribute> = {
  options: {
    parentDeathSignal: {
      sample: 'SIGKILL',
      flags: ['--parent-death-signal KILL'],
      refused: [['SIGNOTHING'], ['TERM'], [0], [65], ['toString']],
      any: fc.integer({ min: 1, max: 64 }),
    },
  },
  steps: {
    getpid: {
      options: { parentDeathSignal: 'SIGTERM' },
      deny: denied('getpid'),
      onAllThreads: true,
    },
    PR_SET_PDEATHSIG: {
      options: { parentDeathSignal: 'SIGTERM' },
      deny: deniedPrctl(PR.PR_SET_PDEATHSIG),
      argument: 'SIGTERM',
    },
  },
  found(state, { parentDeathSignal: signal }) {
    assert.equal(state.parentDeathSignal, signal === undefined ? 0 : findSignal(signal));
  },
};
