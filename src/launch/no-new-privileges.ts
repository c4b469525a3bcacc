import { checkBoolean } from '../syscall/check.js';
import { PR, SYS } from '../syscall/constants.js';
import type { Attribute } from './attribute.js';
import type { LandlockOptions } from './landlock.js';
import type { SeccompOptions } from './seccomp.js';

/** What execve may add. */
export interface NoNewPrivilegesOptions {
  /**
   * From the launch on, execve(2) gives the process and its children no new privileges: set-user-ID
   * and set-group-ID bits and file capabilities are ignored. This cannot be undone:
   * PR_SET_NO_NEW_PRIVS(2const), Linux 3.5. Default: true with `landlock` or `seccomp`, else as for this process.
   */
  noNewPrivileges?: boolean | undefined;
}

/** After all that takes privileges; before what may be done only without new ones. */
export const noNewPrivileges: Attribute<
  NoNewPrivilegesOptions,
  ['PR_SET_NO_NEW_PRIVS'],
  LandlockOptions & SeccompOptions
> = {
  options: ['noNewPrivileges'],
  steps: ['PR_SET_NO_NEW_PRIVS'],
  steady: true,
  on: ['linux'],
  check({ noNewPrivileges }) {
    if (noNewPrivileges !== undefined) checkBoolean('noNewPrivileges', noNewPrivileges);
  },
  emit(program, { options: { noNewPrivileges, landlock, seccomp } }) {
    // Without it the kernel takes a restriction from root alone.
    if (!(noNewPrivileges ?? (landlock ?? seccomp) !== undefined)) return;
    program.must({ name: 'PR_SET_NO_NEW_PRIVS' }, SYS.prctl, PR.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  },
  flags: [
    {
      flags: '--no-new-privileges',
      description: 'set-user-ID bits and file capabilities give the program nothing',
      apply: () => ({ noNewPrivileges: true }),
    },
  ],
  trials: () => ({ noNewPrivileges: [{ options: { noNewPrivileges: true } }] }),
};
