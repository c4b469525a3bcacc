import { checkString } from '../syscall/check.js';
import { SYS } from '../syscall/constants.js';
import type { Attribute } from './attribute.js';
import { privileged } from './namespaces.js';

/** The root directory of the process. */
export interface ChrootOptions {
  /**
   * A directory that becomes the root directory of the process: chroot(2). The process starts in
   * it, or in `cwd` inside it, so that no relative path leads outside. `file`, PATH and the
   * interpreters of scripts are searched inside. Open descriptors and `{ file }` redirections are
   * not affected. EPERM without CAP_SYS_CHROOT. A root directory alone does not confine a process
   * that has privileges. Default: the root directory of this process.
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
