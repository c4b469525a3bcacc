import { attempt } from '../syscall/call.js';
import { checkInteger } from '../syscall/check.js';
import { PRIO, SYS } from '../syscall/constants.js';
import type { Attribute } from './attribute.js';
import { toNumber } from './values.js';

/** The share of processor time that the process gets. */
export interface NiceOptions {
  /**
   * The nice value, from -20 (most processor time) to 19 (least): setpriority(2). It replaces the
   * present value and is not added to it. A lower value than the present one needs CAP_SYS_NICE or
   * `rlimits.nice` of this process, otherwise EACCES.
   *
   * Default: that of the thread that launches. On Linux each thread has its own nice value. The
   * launching thread has the values that were in effect at the first launch; only the synchronous
   * functions launch from the main thread. Children do not inherit a later `os.setPriority`: give
   * the value here.
   */
  nice?: number | undefined;
}

export const nice: Attribute<NiceOptions, ['setpriority']> = {
  options: ['nice'],
  steps: ['setpriority'],
  on: 'all',
  check({ nice }) {
    if (nice !== undefined) checkInteger('nice', nice, -20, 19);
  },
  emit(program, { options: { nice: value } }) {
    if (value === undefined) return;
    const step = { name: 'setpriority', argument: String(value) } as const;
    program.must(step, SYS.setpriority, PRIO.PRIO_PROCESS, 0, value);
  },
  flags: [
    {
      flags: '--nice <value>',
      description: 'the nice value, from -20 (most processor time) to 19',
      apply: (_, value) => ({ nice: toNumber(value) }),
    },
  ],
  trials: () => {
    // The system call gives 20 minus the value.
    const now = 20 - attempt('getpriority', PRIO.PRIO_PROCESS, 0);
    const upwards = { options: { nice: 19 }, limit: 'only upwards, for less processor time' };
    return { nice: [{ options: { nice: Math.max(now - 1, -20) } }, upwards] };
  },
};
