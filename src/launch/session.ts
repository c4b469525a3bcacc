import { checkBoolean, checkInteger, refused } from '../syscall/check.js';
import { SYS } from '../syscall/constants.js';
import type { ProgramBuilder } from './program.js';
import type { Launch, Step } from './step.js';
import { toNumber } from './values.js';

/** Session and process group of the new process. */
export interface SessionOptions {
  /**
   * A new session, of which the process is the leader, in a process group of its own and without a
   * controlling terminal: setsid(2). Default: the session of this process.
   */
  session?: boolean | undefined;
  /**
   * The process group: setpgid(2). 0 is a new group of its own; another number is a group of this
   * session to join, with EPERM at `setpgid` when there is none. Not together with `session`, which has its own group. Default: the group of
   * this process.
   */
  processGroup?: number | undefined;
}

const PID_MAX = 0x3fff_ffff;

export const session: Step = {
  options: ['session', 'processGroup'],
  emit(program: ProgramBuilder, { options }: Launch): void {
    const wanted = options.session !== undefined && checkBoolean('session', options.session);
    if (wanted) program.must({ name: 'setsid' }, SYS.setsid);
    if (options.processGroup === undefined) return;
    const group = checkInteger('processGroup', options.processGroup, 0, PID_MAX);
    if (wanted) {
      throw refused('processGroup', 'cannot be combined with session, which starts its own group');
    }
    program.must({ name: 'setpgid', argument: String(group) }, SYS.setpgid, 0, group);
  },
  flags: [
    {
      flags: '--session',
      description: 'run in a new session, without a controlling terminal',
      apply: (options) => ({ ...options, session: true }),
    },
    {
      flags: '--process-group <id>',
      description: 'run in this process group; 0 is a new one',
      apply: (options, value) => ({ ...options, processGroup: toNumber(value) }),
    },
  ],
};
