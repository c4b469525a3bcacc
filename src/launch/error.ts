/**
 * The error of a launch that failed.
 *
 * @module
 */
import { dirname } from 'node:path';
import { absenceOf } from '../sandbox/landlock-rights.js';
import { E } from '../syscall/constants.js';
import { errorMessage, errorName } from '../syscall/errors.js';
import { similarTo } from './near-miss.js';
import type { StepName } from './order.js';
import type { StepInfo } from './program.js';
import { type Place, reasonOf, shellHintFor } from './reason.js';

/** A program could not be started. The attempt leaves no process and no descriptor. */
export class LaunchError extends Error {
  /** The name of the errno: `'ENOENT'`. */
  readonly code: string;
  /** The errno, positive. */
  readonly errno: number;
  /** The step that failed: `'chdir'`, `'execve'`, … */
  readonly step: StepName;
  /** What the step was applied to: `'/no/dir'`. */
  readonly argument?: string;
  /** The program to launch, as the caller named it. */
  readonly file: string;
  /** The arguments of the program, without its name. */
  readonly args: readonly string[];
  /** The paths that were tried, if `file` has no slash. */
  readonly searched?: readonly string[];

  constructor(
    step: StepInfo<StepName>,
    errno: number,
    file: string,
    args: readonly string[],
    searched?: readonly string[],
    place?: Place,
    reason: string = reasonFor(step, errno, searched, place),
  ) {
    const argument = step.argument;
    const what = argument === undefined ? step.name : `${step.name}(${JSON.stringify(argument)})`;
    const code = errorName(errno);
    const launching = argument === file && step.name === 'execve' ? '' : ` (launching ${file})`;
    super(`${what}: ${code}: ${reason}${launching}`);
    this.name = 'LaunchError';
    this.code = code;
    this.errno = errno;
    this.step = step.name;
    if (argument !== undefined) this.argument = argument;
    this.file = file;
    this.args = args;
    if (searched !== undefined) this.searched = searched;
  }
}

/** The error of a launch that was given up at a step. */
export function lateError(
  step: StepInfo<StepName>,
  errno: number,
  file: string,
  args: readonly string[],
): LaunchError {
  const isTimeout = errno === E.ETIMEDOUT;
  const reason = isTimeout ? 'the launch took longer than the timeout' : errorMessage(errno);
  return new LaunchError(step, errno, file, args, undefined, undefined, reason);
}

/** What some steps mean by an errno, where its text says something else or too little. */
const REASONS: Readonly<Partial<Record<StepName, Readonly<Record<number, string>>>>> = {
  cgroup: {
    [E.EBADF]: 'not the directory of a control group of version 2',
    [E.EBUSY]: 'the control group is frozen',
  },
  TIOCSCTTY: {
    [E.EPERM]: 'another session has this terminal, or the descriptor is not open for reading',
  },
  landlock_create_ruleset: {
    [E.ENOSYS]: absenceOf(E.ENOSYS),
    [E.EOPNOTSUPP]: 'Landlock lacks this on this kernel, or is switched off',
  },
  landlock_restrict_self: {
    [E.EPERM]: 'noNewPrivileges is false, and this process is not privileged',
    [E.E2BIG]: 'more layers of Landlock than the kernel takes, with those that were inherited',
  },
  execveat: {
    [E.ENOENT]: 'the interpreter of a script opens /dev/fd/N. Pass the descriptor on with fds',
  },
};

/** Many commands at once are the usual cause, and their number is the way out. */
const NO_DESCRIPTOR =
  'no descriptor is left under the limit RLIMIT_NOFILE. Run fewer commands at once, as with limitTo, or raise it';

/** Why the step failed. */
function reasonFor(
  { name, argument = '' }: StepInfo<StepName>,
  errno: number,
  searched: readonly string[] | undefined,
  place: Place | undefined,
): string {
  if (errno === E.EMFILE) return `${errorMessage(errno)}: ${NO_DESCRIPTOR}`;
  if (name === 'landlock_create_ruleset' && argument === 'landlock') return absenceOf(errno);
  const text = REASONS[name]?.[errno] ?? errorMessage(errno);
  if (name !== 'execve') return text;
  if (searched === undefined || argument.includes('/')) {
    const reason = place === undefined ? undefined : reasonOf(argument, errno, place);
    if (reason === undefined) return text;
    // Its own text would repeat what is said.
    return errno === E.ENOENT ? reason : `${text}: ${reason}`;
  }
  if (errno !== E.ENOENT) return text;
  const similar = similarTo(argument, searched);
  const meant = similar === undefined ? '' : `. Did you mean ${JSON.stringify(similar)}?`;
  const shell = shellHintFor(argument);
  const hint = shell === undefined ? meant : `: ${shell}`;
  return `no such program in PATH (${directoriesOf(searched)})${hint}`;
}

/** More would hide the rest of the message; `searched` has all of them. */
const MOST_DIRECTORIES = 8;

function directoriesOf(searched: readonly string[]): string {
  const directories = searched.map((path) => dirname(path));
  const shown = directories.slice(0, MOST_DIRECTORIES).join(', ');
  const more = directories.length - MOST_DIRECTORIES;
  if (directories.length === 0) return 'which has no absolute path';
  return more > 0 ? `${shown} and ${more} more` : shown;
}
