import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { ioPriority as attribute } from '#dist/launch/io-priority.js';
import { IOPRIO } from '#dist/syscall/constants.js';
import { type CasesOf, denied } from '../../helpers/cases.js';
import { hasCapability } from '../../helpers/facilities.js';

const CLASS = { none: 0, realtime: 1, 'best-effort': 2, idle: 3 } as const;

export const ioPriority: CasesOf<typeof attribute> = {
  options: {
    ioPriority: {
      sample: { class: 'best-effort', level: 6 },
      flags: ['--io-priority best-effort:6'],
      refused: [
        ['idle'],
        [{ class: 'none', level: 1 }, 'ioPriority.level'],
        [{ class: 'best' }, 'ioPriority.class'],
        [{ class: 'best-effort', level: 8 }, 'ioPriority.level'],
      ],
      any: fc.oneof(
        fc.record({
          class: fc.constantFrom('realtime' as const, 'best-effort' as const),
          level: fc.integer({ min: 0, max: 7 }),
        }),
        fc.constant({ class: 'idle' as const }),
      ),
    },
  },
  steps: {
    ioprio_set: {
      options: { ioPriority: { class: 'idle' } },
      deny: denied('ioprio_set'),
      argument: 'idle',
    },
  },
  found(state, { ioPriority }) {
    if (ioPriority === undefined) return; // it goes by nice value and policy
    const { class: name, level = 0 } = ioPriority;
    assert.equal(state.ioPriority >> IOPRIO.IOPRIO_CLASS_SHIFT, CLASS[name]);
    assert.equal(state.ioPriority & 7, level);
  },
  allowed({ ioPriority }) {
    const isFree = ioPriority?.class !== 'realtime' || hasCapability('CAP_SYS_NICE');
    return isFree ? {} : { ioPriority: undefined };
  },
};
