import { checkString } from '../syscall/check.js';
import { SYS } from '../syscall/constants.js';
import type { Attribute } from './attribute.js';
import { privileged } from './namespaces.js';

/** What the process takes for `/`. */
export interface ChrootOptions {
  /**
   * A directory that becomes the root directory of the process: chroot(2). The working directory is
   * then the new root, or `cwd` inside it: nothing outside stays within reach of a relative path.
   * `file`, PATH and the interpreters of scripts are looked for inside too; open descriptors and
   * `{ file }` redirections are not affected. EPERM without CAP_SYS_CHROOT. By itself it confines
   * nobody who has privileges: see chroot(2). Default: the root of this process.
   */
  chroot?: string | undefined;
}

/** Before the identity, which may not be allowed to. */
export const chroot: Attribute<ChrootOptions, ['chroot', 'chdir']> = {
  options: ['chroot'],
  steps: ['chroot', 'chdir'],
  on: 'all',
  check({ chroot }) {
    if (chroot !== undefined) checkString('chroot', chroot);
  },
  emit(program, { options: { chroot: path } }) {
    if (path === undefined) return;
    program.must({ name: 'chroot', argument: path }, SYS.chroot, program.string(path));
    // chroot leaves the working directory where it was: outside.
    program.must({ name: 'chdir', argument: '/' }, SYS.chdir, program.string('/'));
  },
  flags: [
    {
      flags: '--chroot <directory>',
      description: 'make this directory the root directory; --cwd is inside it',
      apply: (_, value) => ({ chroot: value }),
    },
  ],
  trials: () => ({ chroot: privileged({ chroot: '/' }) }),
};
