import { checkInteger } from '../syscall/check.js';
import { SYS } from '../syscall/constants.js';
import type { Attribute } from './attribute.js';

/** Permissions that are removed from new files of the process. */
export interface UmaskOptions {
  /** The file mode creation mask, 0 to 0o777: umask(2). Default: that of this process. */
  umask?: number | undefined;
}

export const umask: Attribute<UmaskOptions, ['umask']> = {
  options: ['umask'],
  steps: ['umask'],
  on: 'all',
  check({ umask }) {
    if (umask !== undefined) checkInteger('umask', umask, 0, 0o777);
  },
  emit(program, { options: { umask } }) {
    if (umask === undefined) return;
    program.must({ name: 'umask', argument: umask.toString(8) }, SYS.umask, umask);
  },
  flags: [
    {
      flags: '--umask <mode>',
      description: 'the file mode creation mask, in octal: 027',
      apply: (_, value) => ({
        umask: /^[0-7]+$/.test(value) ? Number.parseInt(value, 8) : Number.NaN,
      }),
    },
  ],
  trials: () => ({ umask: [{ options: { umask: 0o77 } }] }),
};
