import { resolve } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { checkBoolean, checkPath, checkString, invalid, refused } from '../syscall/check.js';
import type { Flag } from './attribute.js';
import type { ChrootOptions } from './chroot.js';
import type { DirectoryOptions } from './directory.js';
import type { Address, ProgramBuilder } from './program.js';
import type { User } from './users.js';

/** The environment of the new process. */
export interface EnvironmentOptions {
  /**
   * Variables that are added to those of this process; undefined removes a variable: environ(7).
   * `cwd` and `chroot` also set PWD, unless PWD is named here or `clearEnv` is given. A user of
   * `credential` also sets HOME, USER and LOGNAME, unless they are named here. Default: none.
   */
  env?: Record<string, string | undefined> | undefined;
  /** Starts from an empty environment instead of that of this process. Default: false. */
  clearEnv?: boolean | undefined;
}

function checkName(name: string): void {
  if (name === '' || name.includes('=') || name.includes('\0')) {
    throw refused(
      'env',
      `cannot hold a name that is empty or contains '=' or a null byte: '${name}'`,
    );
  }
}

export function checkEnvironment({ env, clearEnv }: EnvironmentOptions): void {
  if (clearEnv !== undefined) checkBoolean('clearEnv', clearEnv);
  if (env === undefined) return;
  if (typeof env !== 'object' || env === null) throw invalid('env', env, 'an object');
  for (const [name, value] of Object.entries(env)) {
    checkName(name);
    if (value !== undefined) checkString(`env.${name}`, value);
  }
}

/** What PWD depends on. */
export type PlaceOptions = DirectoryOptions & ChrootOptions;

/** Where the options have the process start, if they say so; `.` in a new root is its top. */
function workingDirectory({ cwd, chroot }: PlaceOptions): string | undefined {
  const path = cwd === undefined ? undefined : checkPath('cwd', cwd);
  if (chroot !== undefined) return resolve('/', path ?? '');
  return path === undefined ? undefined : resolve(path);
}

/** The environment that the options describe, for the user that they come to. */
export function environmentOf(
  options: EnvironmentOptions & PlaceOptions,
  user?: User,
): Record<string, string | undefined> {
  const { env } = options;
  const { clearEnv = false } = options;
  const cwd = workingDirectory(options);
  if (env === undefined && cwd === undefined && user === undefined && !clearEnv) return process.env;
  // Without a prototype, so that `__proto__` is a name like others.
  const result: Record<string, string | undefined> = Object.create(null);
  if (!clearEnv) Object.assign(result, process.env);
  if (cwd !== undefined && !clearEnv) result['PWD'] = cwd;
  if (user !== undefined) {
    Object.assign(result, { HOME: user.home, USER: user.name, LOGNAME: user.name });
  }
  for (const [name, value] of Object.entries(env ?? {})) result[name] = value;
  return result;
}

/**
 * Whether process.env is a view of the environment that the C library has, so that it can be copied
 * as it lies there: forty times faster than variable by variable. A Worker's is a copy, and so is
 * Bun's.
 */
const ENV_IS_ENVIRON = isMainThread && process.versions['bun'] === undefined;

/** As execve(2) takes it. */
export function emitEnvironment(
  program: ProgramBuilder,
  environment: Record<string, string | undefined>,
): Address {
  if (environment === process.env && ENV_IS_ENVIRON) return program.inheritedEnvironment();
  const strings: string[] = [];
  for (const name in environment) {
    const value = environment[name];
    if (value !== undefined) strings.push(`${name}=${value}`);
  }
  return program.strings(strings);
}

export const flags: readonly Flag<EnvironmentOptions>[] = [
  {
    flags: '--env <name=value>',
    description: 'set a variable; --env NAME leaves one out',
    repeatable: true,
    apply: (options, value) => {
      const end = value.indexOf('=');
      const name = end < 0 ? value : value.slice(0, end);
      const content = end < 0 ? undefined : value.slice(end + 1);
      return { env: { ...options.env, [name]: content } };
    },
  },
  {
    flags: '--clear-env',
    description: 'start from an empty environment',
    apply: () => ({ clearEnv: true }),
  },
];
