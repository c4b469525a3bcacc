/**
 * The exit codes of the command, which are those of env(1) and timeout(1).
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { LaunchError } from '../launch/error.js';
import type { ExitStatus } from '../process/status.js';
import { attempt } from '../syscall/call.js';

export const EXIT = { timedOut: 124, failed: 125, notRunnable: 126, notFound: 127 } as const;

/** What forkexec itself is to blame for, or whoever called it; `message` is for people. */
export class Failure extends Error {}

/** The code for a program that ran. */
export function codeOfStatus(status: ExitStatus): number {
  if (status.reason === 'timeout') return EXIT.timedOut;
  return status.reason === 'unknown' ? EXIT.failed : status.shellCode;
}

/** The code for a program that could not be started in the directory `cwd`. */
export function codeOfLaunchError(error: LaunchError, cwd = ''): number {
  if (error.step !== 'execve') return EXIT.failed;
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') return EXIT.notRunnable;
  // What is missing may be the interpreter of a script that is there.
  const tried = error.searched ?? [error.file];
  const found = tried.some((path) => existsSync(resolve(cwd, path)));
  return found ? EXIT.notRunnable : EXIT.notFound;
}

/**
 * Ends this process, past the runtime: at its own exit Node puts terminals back to the modes it
 * found, and would so undo what a program like stty(1) was run for.
 */
export function exitNow(code: number): never {
  attempt('exit_group', code);
  throw new Error('exit_group returned');
}
