/**
 * The error of a launch that failed.
 *
 * @module
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import { E } from '../syscall/constants.js';
import { errorMessage, errorName } from '../syscall/errors.js';
import { similarTo } from './near-miss.js';
import type { StepName } from './order.js';
import type { StepInfo } from './program.js';

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
  ) {
    const argument = step.argument;
    const what = argument === undefined ? step.name : `${step.name}(${JSON.stringify(argument)})`;
    const code = errorName(errno);
    const launching = argument === file && step.name === 'execve' ? '' : ` (launching ${file})`;
    super(`${what}: ${code}: ${reasonFor(step, errno, searched)}${launching}`);
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

/** Why the step failed. An errno of execve(2) leaves open which file is meant. */
function reasonFor(
  { name, argument = '' }: StepInfo,
  errno: number,
  searched: readonly string[] | undefined,
): string {
  const text = errorMessage(errno);
  if (name !== 'execve') return text;
  if (errno === E.ENOEXEC) {
    return `${text}: neither a binary for this machine nor a script with a #! line`;
  }
  if (errno !== E.ENOENT) return text;
  if (searched !== undefined && !argument.includes('/')) {
    const similar = similarTo(argument, searched);
    const hint = similar === undefined ? '' : `. Did you mean ${JSON.stringify(similar)}?`;
    return `no such program in PATH (${directoriesOf(searched)})${hint}`;
  }
  const interpreter = interpreterOf(argument);
  if (interpreter === undefined) return text;
  return `the script's interpreter ${JSON.stringify(interpreter)} was not found`;
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

/** The interpreter that the #! line of a script names. */
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
    return undefined; // missing or unreadable: the errno says enough
  }
}
