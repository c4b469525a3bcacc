import { checkInteger } from '../syscall/check.js';
import { PR, SYS } from '../syscall/constants.js';
import type { Attribute } from './attribute.js';
import { toNumber } from './values.js';

/** How exact the timers of the process are. */
export interface TimerSlackOptions {
  /**
   * The timer slack in nanoseconds, 1 or more: by how much the kernel may delay the end of a sleep or
   * of a wait with a timeout, so that one wake-up serves several timers: PR_SET_TIMERSLACK(2const),
   * Linux 2.6.28. Real-time policies have no timer slack. Children of the process begin with the
   * same. Default: that of the thread that launches, normally 50,000; see `nice`.
   */
  timerSlack?: number | undefined;
}

export const timerSlack: Attribute<TimerSlackOptions, ['PR_SET_TIMERSLACK']> = {
  options: ['timerSlack'],
  steps: ['PR_SET_TIMERSLACK'],
  on: ['linux'],
  check({ timerSlack }) {
    // For the kernel, 0 is the default again.
    if (timerSlack !== undefined) {
      checkInteger('timerSlack', timerSlack, 1, Number.MAX_SAFE_INTEGER);
    }
  },
  emit(program, { options: { timerSlack } }) {
    if (timerSlack === undefined) return;
    const step = { name: 'PR_SET_TIMERSLACK', argument: String(timerSlack) } as const;
    program.must(step, SYS.prctl, PR.PR_SET_TIMERSLACK, timerSlack, 0, 0, 0);
  },
  flags: [
    {
      flags: '--timer-slack <ns>',
      description: 'by how many nanoseconds timers may be late',
      apply: (_, value) => ({ timerSlack: toNumber(value) }),
    },
  ],
  trials: () => ({ timerSlack: [{ options: { timerSlack: 1 } }] }),
};
