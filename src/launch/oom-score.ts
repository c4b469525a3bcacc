import { checkInteger } from '../syscall/check.js';
import { AT, O, SYS } from '../syscall/constants.js';
import type { Attribute } from './attribute.js';
import { numberIn, toNumber } from './values.js';

/** Which process the kernel kills first when memory runs out. */
export interface OomScoreOptions {
  /**
   * A value that is added to the score by which the kernel chooses a process to kill when memory
   * runs out, from -1000 (never this process) to 1000 (this process first):
   * proc_pid_oom_score_adj(5), Linux 2.6.36. Children inherit it. A lower value than the present
   * one needs CAP_SYS_RESOURCE, otherwise EACCES at `write`. Default: that of this process.
   */
  oomScoreAdj?: number | undefined;
}

const PATH = '/proc/self/oom_score_adj';

/** Before the identity changes: from then on the files in /proc are root's. */
export const oomScore: Attribute<OomScoreOptions, ['open', 'write']> = {
  options: ['oomScoreAdj'],
  steps: ['open', 'write'],
  on: ['linux'],
  check({ oomScoreAdj }) {
    if (oomScoreAdj !== undefined) checkInteger('oomScoreAdj', oomScoreAdj, -1000, 1000);
  },
  emit(program, { options: { oomScoreAdj: score } }) {
    if (score === undefined) return;
    const file = program.slot();
    program.store(
      { name: 'open', argument: PATH },
      file,
      SYS.openat,
      AT.AT_FDCWD,
      program.string(PATH),
      O.O_WRONLY | O.O_CLOEXEC,
    );
    const text = String(score);
    const step = { name: 'write', argument: `oom_score_adj=${text}` } as const;
    program.must(step, SYS.write, file, program.string(text), text.length);
    program.ignore({ name: 'close' }, SYS.close, file);
  },
  flags: [
    {
      flags: '--oom-score-adj <value>',
      description: 'how gladly the kernel kills it when memory runs out: -1000 to 1000',
      apply: (_, value) => ({ oomScoreAdj: toNumber(value) }),
    },
  ],
  trials: () => {
    const lower = { oomScoreAdj: Math.max(numberIn(PATH, 0) - 1, -1000) };
    const upwards = { options: { oomScoreAdj: 1000 }, limit: 'only upwards, to be killed sooner' };
    return { oomScoreAdj: [{ options: lower }, upwards] };
  },
};
