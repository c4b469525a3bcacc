import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { noNewPrivileges as attribute } from '#dist/launch/no-new-privileges.js';
import { PR } from '#dist/syscall/constants.js';
import { type CasesOf, deniedPrctl } from '../../helpers/cases.js';

export const noNewPrivileges: CasesOf<typeof attribute> = {
  options: {
    noNewPrivileges: {
      sample: true,
      flags: ['--no-new-privileges'],
      refused: [[1], ['yes']],
      any: fc.boolean(),
    },
  },
  steps: {
    PR_SET_NO_NEW_PRIVS: {
      options: { noNewPrivileges: true },
      deny: deniedPrctl(PR.PR_SET_NO_NEW_PRIVS),
    },
  },
  found({ status }, { noNewPrivileges, landlock, seccomp }, usual) {
    // What this process has given up does not come back.
    const expected =
      (noNewPrivileges ?? (landlock ?? seccomp) !== undefined) ? '1' : usual.status['NoNewPrivs'];
    assert.equal(status['NoNewPrivs'], expected);
  },
};
