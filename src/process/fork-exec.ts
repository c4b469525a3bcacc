/**
 * The launch core under the names and shapes of Go's syscall package.
 *
 * @module
 */

import type { DescriptorSource } from '../launch/attribute.js';
import { type CompiledLaunch, checkLaunch } from '../launch/compile.js';
import { type LaunchOptions, launchOptionNames } from '../launch/order.js';
import { checkKeys, takeOptions } from '../launch/values.js';
import { close } from '../syscall/call.js';
import { checkSurplus, invalid } from '../syscall/check.js';
import { execLaunch } from './exec.js';
import { program, type Ready, start } from './launch.js';
import type { Unwatched } from './launching.js';

/** Go's syscall.ProcAttr. */
export interface ProcAttr {
  /** Working directory. Default: that of this process. */
  dir?: string;
  /** `'NAME=value'` each. Default: the environment of this process. */
  env?: readonly string[];
  /** Entry n is the child's descriptor n, null a closed one. Default: none at all. */
  files?: readonly (number | null)[];
  /** Go's SysProcAttr, by this library's names. */
  sys?: Omit<LaunchOptions, 'cwd' | 'env' | 'clearEnv' | 'argv0' | 'path'>;
}

const SYS_NAMES: readonly string[] = launchOptionNames.filter(
  (name) => !['cwd', 'env', 'clearEnv', 'argv0', 'path'].includes(name),
);

/** `NAME=value` strings as `env`; of two for one name the last holds. */
function environmentOf(option: string, strings: readonly string[]): Record<string, string> {
  if (!Array.isArray(strings)) throw invalid(option, strings, "an array of 'NAME=value'");
  const environment: Record<string, string> = {};
  for (const [index, text] of strings.entries()) {
    const end = typeof text === 'string' ? text.indexOf('=') : -1;
    if (end <= 0) throw invalid(`${option}[${index}]`, text, "'NAME=value'");
    environment[text.slice(0, end)] = text.slice(end + 1);
  }
  return environment;
}

function readyOf(argv0: string, argv: readonly string[], given: ProcAttr): Ready {
  const attributes = takeOptions('', given, ['dir', 'env', 'files', 'sys']);
  const { dir, env, files = [], sys = {} } = attributes;
  checkKeys('sys', sys, SYS_NAMES);
  const options: LaunchOptions = { ...sys };
  if (dir !== undefined) options.cwd = dir;
  if (env !== undefined) {
    options.clearEnv = true;
    options.env = environmentOf('env', env);
  }
  const descriptors = new Map<number, DescriptorSource>();
  for (const [fd, file] of files.entries()) {
    if (file === null) continue;
    if (!Number.isInteger(file) || file < 0) {
      throw invalid(`files[${fd}]`, file, 'a descriptor or null');
    }
    descriptors.set(fd, file);
  }
  return { file: argv0, argv, descriptors, options, search: false };
}

function compileFork(argv0: string, argv: readonly string[], attributes: ProcAttr): CompiledLaunch {
  const ready = readyOf(argv0, argv, attributes);
  checkLaunch(ready);
  return program(ready);
}

/** The number is all that the caller gets: it reaps the process, and takes the terminal back. */
function pidOf({ handle: { pid, pidfd }, loan }: Unwatched): number {
  if (pidfd >= 0) close(pidfd);
  loan?.leave();
  return pid;
}

/**
 * Starts the program at the path `argv0`, as Go's syscall.ForkExec does. Resolves with its pid once
 * it runs. The caller reaps it: `wait4(pid)`. A Worker that is terminated before it does so leaves a zombie,
 * for another thread may have been told the number; what `startProcess` starts is reaped by itself.
 *
 * @throws LaunchError
 */
export function forkExec(
  argv0: string,
  argv: readonly string[],
  attributes?: ProcAttr,
): Promise<number>;
export async function forkExec(
  argv0: string,
  argv: readonly string[],
  attributes: ProcAttr = {},
  ...rest: never[]
): Promise<number> {
  checkSurplus(rest);
  return pidOf(await start(compileFork(argv0, argv, attributes), { sync: false, watch: false }));
}

/** As `forkExec`, and returns once the program runs. */
export function forkExecSync(argv0: string, argv: readonly string[], attributes?: ProcAttr): number;
export function forkExecSync(
  argv0: string,
  argv: readonly string[],
  attributes: ProcAttr = {},
  ...rest: never[]
): number {
  checkSurplus(rest);
  return pidOf(start(compileFork(argv0, argv, attributes), { sync: true, watch: false }));
}

/**
 * Replaces this process' program with the one at the path `argv0`, as Go's syscall.Exec does.
 *
 * @throws LaunchError when execve failed; this process is then as it was.
 */
export function exec(argv0: string, argv: readonly string[], envv: readonly string[]): never {
  const options = { clearEnv: true, env: environmentOf('envv', envv) };
  const descriptors = new Map<number, DescriptorSource>();
  for (const fd of [0, 1, 2]) descriptors.set(fd, 'inherit');
  return execLaunch({ file: argv0, argv, descriptors, options, search: false });
}
