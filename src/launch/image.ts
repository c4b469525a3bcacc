import { checkString } from '../syscall/check.js';
import { SYS } from '../syscall/constants.js';
import { identityOf } from './credential.js';
import {
  type EnvironmentOptions,
  emitEnvironment,
  flags as environmentFlags,
  environmentOf,
} from './environment.js';
import type { LaunchOptions } from './order.js';
import type { ProgramBuilder } from './program.js';
import type { Launch, Step } from './step.js';

/** The program that the new process becomes. */
export interface ImageOptions extends EnvironmentOptions {
  /** What the program sees as its own name, argv[0]. Default: `file` as given. */
  argv0?: string | undefined;
  /**
   * The directories, separated by colons, in which a `file` without a slash is looked for. Default:
   * PATH of the new process' environment, or `/bin:/usr/bin` without one. Entries that are empty or
   * relative are passed over: a program of the working directory is `./program`.
   */
  path?: string | undefined;
}

const DEFAULT_PATH = '/bin:/usr/bin';

/** The paths to try for a file, in order. */
export function candidatesOf(file: string, path: string): string[] {
  if (file.includes('/')) return [file];
  const candidates: string[] = [];
  for (const directory of path.split(':')) {
    if (directory.startsWith('/')) candidates.push(`${directory.replace(/\/+$/, '')}/${file}`);
  }
  return candidates;
}

/** The search path that holds for the new process. */
export function searchPath(
  options: LaunchOptions,
  environment: Record<string, string | undefined>,
): string {
  if (options.path === undefined) return environment['PATH'] ?? DEFAULT_PATH;
  checkString('path', options.path);
  return options.path;
}

export const image: Step = {
  options: ['argv0', 'path', 'env', 'clearEnv'],
  emit(program: ProgramBuilder, { file, argv, options, search }: Launch): void {
    if (options.path !== undefined) checkString('path', options.path); // also where it is of no use
    const environment = environmentOf(options, identityOf(program, options).user);
    const argvAt = program.strings(argv);
    const envpAt = emitEnvironment(program, environment);
    const paths = search ? candidatesOf(file, searchPath(options, environment)) : [file];
    for (const path of paths) {
      const step = { name: 'execve', argument: path } as const;
      program.candidate(step, SYS.execve, program.string(path), argvAt, envpAt);
    }
  },
  flags: [
    ...environmentFlags,
    {
      flags: '--argv0 <name>',
      description: 'what the program sees as its own name',
      apply: (options, value) => ({ ...options, argv0: value }),
    },
    {
      flags: '--path <directories>',
      description: 'where to look for a program without a slash in its name',
      apply: (options, value) => ({ ...options, path: value }),
    },
  ],
};
