import { checkBoolean, checkString, invalid, refused } from '../syscall/check.js';
import type { Flag } from './attribute.js';
import { isBag } from './values.js';

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

export function checkName(option: string, name: string): void {
  if (name === '' || name.includes('=') || name.includes('\0')) {
    throw refused(
      option,
      `cannot hold a name that is empty or contains '=' or a null byte: '${name}'`,
    );
  }
}

export function checkEnvironment({ env, clearEnv }: EnvironmentOptions): void {
  if (clearEnv !== undefined) checkBoolean('clearEnv', clearEnv);
  if (env === undefined) return;
  if (!isBag(env)) throw invalid('env', env, 'an object');
  for (const [name, value] of Object.entries(env)) {
    checkName('env', name);
    if (value !== undefined) checkString(`env.${name}`, value);
  }
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
