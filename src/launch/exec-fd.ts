import { checkInteger } from '../syscall/check.js';
import { AT, O, SYS } from '../syscall/constants.js';
import { openFileSync } from '../syscall/open.js';
import type { Attribute } from './attribute.js';
import { type CredentialOptions, identityOf } from './credential.js';
import { emitEnvironment, environmentOf, type Placement } from './environ.js';
import type { ImageOptions } from './image.js';
import { toNumber } from './values.js';

/** A program that has no path. */
export interface ExecFdOptions {
  /**
   * An open descriptor of this process on the program to run: execveat(2) with AT_EMPTY_PATH, Linux
   * 3.19. `file` is then nothing but argv[0], and is not looked for. The program does not get the
   * descriptor unless it is passed on, as with `fds`. A script needs that: its interpreter opens
   * /dev/fd/N, so without it the launch fails with ENOENT at `execveat`. Default: none.
   */
  execFd?: number | undefined;
}

const MAX_FD = 0x3fff_ffff;

/** It takes the place of the execve that would follow, and no failed call goes on to that. */
export const execFd: Attribute<
  ExecFdOptions,
  ['fcntl', 'execveat'],
  ImageOptions & CredentialOptions & Placement
> = {
  options: ['execFd'],
  steps: ['fcntl', 'execveat'],
  on: ['linux'],
  check({ execFd }) {
    if (execFd !== undefined) checkInteger('execFd', execFd, 0, MAX_FD);
  },
  emit(program, { argv, options, descriptors }) {
    const { execFd: fd } = options;
    if (fd === undefined) return;
    // The one that the child keeps, if it does: the path of a script is /dev/fd/N of this N.
    const passed = [...descriptors].find(
      ([number, source]) => source === fd || (source === 'inherit' && number === fd),
    );
    const environment = environmentOf(options, identityOf(program, options).user);
    program.must(
      { name: 'execveat', argument: String(fd) },
      SYS.execveat,
      passed?.[0] ?? program.keep(fd),
      program.string(''),
      program.strings(argv),
      emitEnvironment(program, environment),
      AT.AT_EMPTY_PATH,
    );
  },
  descriptorsIn: ({ execFd }) => ({ execFd }),
  flags: [
    {
      flags: '--exec-fd <fd>',
      description: 'run the program that is open at this descriptor; the name is only its argv[0]',
      apply: (_, value) => ({ execFd: toNumber(value) }),
    },
  ],
  // The doctor ends, and the descriptor with it.
  trials: () => ({ execFd: [{ options: { execFd: openFileSync('/bin/true', O.O_PATH) } }] }),
};
