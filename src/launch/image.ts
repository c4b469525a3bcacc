import { checkString } from '../syscall/check.js';
import { SYS } from '../syscall/constants.js';
import type { Attribute } from './attribute.js';
import { type CredentialOptions, identityOf } from './credential.js';
import { emitEnvironment, environmentOf, type Placement, variableOf } from './environ.js';
import {
  checkEnvironment,
  type EnvironmentOptions,
  flags as environmentFlags,
} from './environment.js';

/** The program that the new process runs. */
export interface ImageOptions extends EnvironmentOptions {
  /** The name that the program sees as its own: argv[0]. Default: `file` as given. */
  argv0?: string | undefined;
  /**
   * The directories, separated by colons, in which a `file` without a slash is searched. Empty and
   * relative entries are skipped: a program in the working directory is `./program`. Default: PATH
   * of the environment of the new process, or `/bin:/usr/bin` if it has none.
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
  options: ImageOptions,
  environment: ReturnType<typeof environmentOf> = environmentOf({}),
): string {
  return options.path ?? variableOf(environment, 'PATH') ?? DEFAULT_PATH;
}

export const image: Attribute<ImageOptions, ['execve'], CredentialOptions & Placement> = {
  options: ['argv0', 'path', 'env', 'clearEnv'],
  steps: ['execve'],
  on: 'all',
  check(options) {
    if (options.path !== undefined) checkString('path', options.path);
    checkEnvironment(options);
  },
  emit(program, { file, argv, options, search, verbatim }) {
    const environment = environmentOf(options, identityOf(program, options).user);
    const argvAt = program.strings(argv);
    const envpAt =
      verbatim === undefined
        ? emitEnvironment(program, environment)
        : program.strings(verbatim.environment);
    const paths =
      verbatim?.paths ?? (search ? candidatesOf(file, searchPath(options, environment)) : [file]);
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
      apply: (_, value) => ({ argv0: value }),
    },
    {
      flags: '--path <directories>',
      description: 'where to look for a program without a slash in its name',
      apply: (_, value) => ({ path: value }),
    },
  ],
  trials: () => ({
    argv0: [{ options: { argv0: 'doctor' } }],
    path: [{ options: { path: DEFAULT_PATH } }],
    env: [{ options: { env: { FORKEXEC_DOCTOR: '1' } } }],
    clearEnv: [{ options: { clearEnv: true } }],
  }),
};
