import { checkInteger } from '../syscall/check.js';
import { SYS } from '../syscall/constants.js';
import type { ProgramBuilder } from './program.js';
import type { Launch, Step } from './step.js';

/** Permissions that new files of the process do without. */
export interface UmaskOptions {
  /** The file mode creation mask, 0 to 0o777: umask(2). Default: that of this process. */
  umask?: number | undefined;
}

export const umask: Step = {
  options: ['umask'],
  emit(program: ProgramBuilder, { options }: Launch): void {
    if (options.umask === undefined) return;
    const mask = checkInteger('umask', options.umask, 0, 0o777);
    program.must({ name: 'umask', argument: mask.toString(8) }, SYS.umask, mask);
  },
  flags: [
    {
      flags: '--umask <mode>',
      description: 'the file mode creation mask, in octal: 027',
      apply: (options, value) => ({
        ...options,
        umask: /^[0-7]+$/.test(value) ? Number.parseInt(value, 8) : Number.NaN,
      }),
    },
  ],
};
