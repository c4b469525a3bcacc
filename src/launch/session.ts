import { checkBoolean, checkInteger, refused } from '../syscall/check.js';
import { SYS } from '../syscall/constants.js';
import type { Attribute } from './attribute.js';
import { toNumber } from './values.js';

/** Session and process group of the new process. */
export interface SessionOptions {
  /**
   * Starts a new session, which the process leads, with a process group of its own and without a
   * controlling terminal: setsid(2). Default: false, the session of this process.
   */
  session?: boolean | undefined;
  /**
   * The process group: setpgid(2). 0 makes a new group. Another number is a group of this session
   * to join; EPERM at `setpgid` if the session has no such group. Cannot be combined with
   * `session`. Default: the group of this process.
   */
  processGroup?: number | undefined;
}

const PID_MAX = 0x3fff_ffff;

export const session: Attribute<SessionOptions, ['setsid', 'setpgid']> = {
  options: ['session', 'processGroup'],
  steps: ['setsid', 'setpgid'],
  steady: true,
  on: 'all',
  check({ session, processGroup }) {
    if (session !== undefined) checkBoolean('session', session);
    if (processGroup === undefined) return;
    checkInteger('processGroup', processGroup, 0, PID_MAX);
    if (session) {
      throw refused('processGroup', 'cannot be combined with session, which starts its own group');
    }
  },
  emit(program, { options: { session, processGroup } }) {
    if (session) program.must({ name: 'setsid' }, SYS.setsid);
    if (processGroup === undefined) return;
    const step = { name: 'setpgid', argument: String(processGroup) } as const;
    program.must(step, SYS.setpgid, 0, processGroup);
  },
  flags: [
    {
      flags: '--session',
      description: 'run in a new session, without a controlling terminal',
      apply: () => ({ session: true }),
    },
    {
      flags: '--process-group <id>',
      description: 'run in this process group; 0 is a new one',
      apply: (_, value) => ({ processGroup: toNumber(value) }),
    },
  ],
  trials: () => ({
    session: [{ options: { session: true } }],
    processGroup: [{ options: { processGroup: 0 } }],
  }),
};
