/**
 * The error of a launch that failed.
 *
 * @module
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorMessage, errorName } from '../syscall/errors.js';
import { similarTo } from './near-miss.js';
import type { StepInfo } from './program.js';
import type { StepName } from './step-names.js';

/** A program could not be started. Nothing is left of the attempt: no process, no descriptor. */
export class LaunchError extends Error {
  /** The name of the errno: `'ENOENT'`. */
  readonly code: string;
  /** The errno, positive. */
  readonly errno: number;
  /** The step that failed: `'chdir'`, `'execve'`, … */
  readonly step: StepName;
  /** What the step was applied to: `'/no/dir'`. */
  readonly argument?: string;
  /** The program that was to be launched, as it was given. */
  readonly file: string;
  /** Its arguments, without its name. */
  readonly args: readonly string[];
  /** The paths that were tried, for a `file` without a slash. */
  readonly searched?: readonly string[];

  constructor(
    step: StepInfo,
    errno: number,
    file: string,
    args: readonly string[],
    searched?: readonly string[],
  ) {
    const argument = step.argument;
    const what = argument === undefined ? step.name : `${step.name}(${JSON.stringify(argument)})`;
    const code = errorName(errno);
    const hint = hintFor(step, code, searched);
    super(`${what}: ${code}: ${errorMessage(errno)}${hint} (launching ${file})`);
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

/** What an errno of execve(2) does not say by itself. */
function hintFor(step: StepInfo, code: string, searched: readonly string[] | undefined): string {
  if (step.name !== 'execve') return '';
  if (code === 'ENOENT' && searched !== undefined && !step.argument?.includes('/')) {
    const similar = similarTo(step.argument ?? '', searched);
    const meant = similar === undefined ? '' : `; is ${similar} meant?`;
    return ` in any directory of PATH (${directoriesOf(searched)})${meant}`;
  }
  if (code === 'ENOEXEC') return ', neither a binary of this machine nor a script with a #! line';
  if (code !== 'ENOENT' || step.argument === undefined) return '';
  const interpreter = interpreterOf(step.argument);
  return interpreter === undefined ? '' : `: its interpreter ${JSON.stringify(interpreter)}`;
}

/** More would hide the rest of a message; `searched` has all. */
const MOST_DIRECTORIES = 8;

function directoriesOf(searched: readonly string[]): string {
  const directories = searched.map((path) => dirname(path));
  const shown = directories.slice(0, MOST_DIRECTORIES).join(', ');
  const more = directories.length - MOST_DIRECTORIES;
  if (directories.length === 0) return 'which has no absolute one';
  return more > 0 ? `${shown} and ${more} more` : shown;
}

/** What follows #! in a script that exists. */
function interpreterOf(path: string): string | undefined {
  const head = Buffer.alloc(256);
  try {
    const fd = openSync(path, 'r');
    try {
      const length = readSync(fd, head, 0, head.length, 0);
      return /^#![ \t]*([^ \t\n]+)/.exec(head.toString('utf8', 0, length))?.[1];
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined; // not there, or not ours to read: the errno says it all
  }
}
