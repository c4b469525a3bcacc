import { checkPath } from '../syscall/check.js';
import { SYS } from '../syscall/constants.js';
import type { Attribute } from './attribute.js';

/** The directory that the process starts in. */
export interface DirectoryOptions {
  /**
   * The working directory, as a path or a `file:` URL: chdir(2), called by the new process. A
   * relative `file` starts there. Default: that of this process.
   */
  cwd?: string | URL | undefined;
}

export const directory: Attribute<DirectoryOptions, ['chdir']> = {
  options: ['cwd'],
  steps: ['chdir'],
  steady: true,
  on: 'all',
  check({ cwd }) {
    if (cwd !== undefined) checkPath('cwd', cwd);
  },
  emit(program, { options: { cwd } }) {
    if (cwd === undefined) return;
    const path = checkPath('cwd', cwd);
    program.must({ name: 'chdir', argument: path }, SYS.chdir, program.string(path));
  },
  flags: [
    {
      flags: '--cwd <directory>',
      description: 'run in this directory',
      apply: (_, value) => ({ cwd: value }),
    },
  ],
  trials: () => ({ cwd: [{ options: { cwd: '/' } }] }),
};
