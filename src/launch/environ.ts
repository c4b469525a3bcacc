/**
 * The environment that a new process gets.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { envRefusesSymbols, writesEnviron } from '../runtime.js';
import { checkPath, checkString } from '../syscall/check.js';
import { encodeText } from '../syscall/text.js';
import { isMainThread } from '../thread.js';
import type { ChrootOptions } from './chroot.js';
import type { DirectoryOptions } from './directory.js';
import { checkName, type EnvironmentOptions } from './environment.js';
import type { Address, ProgramBuilder } from './program.js';
import type { User } from './users.js';

/** What PWD depends on. */
export type Placement = DirectoryOptions & ChrootOptions;

/** Where the options have the process start, if they say so; `.` in a new root is its top. */
export function workingDirectory({ cwd, chroot }: Placement): string | undefined {
  const path = cwd === undefined ? undefined : checkPath('cwd', cwd);
  if (chroot !== undefined) return resolve('/', path ?? '');
  try {
    return path === undefined ? undefined : resolve(path);
  } catch {
    return undefined; // that of this process was removed, and the step chdir finds out
  }
}

/** The environment of the new process, as the difference from that of this one. */
interface Environment {
  /** Whether it has what this process has, but for the changes. */
  readonly inherits: boolean;
  /** Without a prototype, so that `__proto__` is a name; undefined is a variable that is left out. */
  readonly changes: Readonly<Record<string, string | undefined>>;
}

/** That of this process, as most have it. */
const INHERITED: Environment = { inherits: true, changes: Object.freeze(Object.create(null)) };

/** The environment that the options describe, for the user that they come to. */
export function environmentOf(options: EnvironmentOptions & Placement, user?: User): Environment {
  const inherits = options.clearEnv !== true;
  const { env, cwd: given, chroot } = options;
  const isOther = !inherits || (env ?? given ?? chroot ?? user) !== undefined;
  if (!isOther) return INHERITED;
  const changes: Record<string, string | undefined> = Object.create(null);
  const cwd = workingDirectory(options);
  if (cwd !== undefined && inherits) changes['PWD'] = cwd;
  if (user !== undefined) {
    Object.assign(changes, { HOME: user.home, USER: user.name, LOGNAME: user.name });
  }
  return { inherits, changes: Object.assign(changes, options.env) };
}

export function variableOf(environment: Environment, name: string): string | undefined {
  const { inherits, changes } = environment;
  if (environment === INHERITED) return process.env[name];
  return name in changes || !inherits ? changes[name] : process.env[name];
}

/**
 * Whether the runtime keeps what JavaScript sets in the C library's environment: not Bun, and not a
 * Worker, which has a copy.
 */
const HAS_ENVIRON = isMainThread && writesEnviron;

/** Deno's refuses no symbol, so that only the one of the start is known. */
let environ: unknown = envRefusesSymbols ? undefined : process.env;

/**
 * Whether this is the runtime's view of the C library's environment, and no object that a program or
 * a test framework assigned to `process.env`: only the view refuses a symbol.
 */
function isEnviron(env: NodeJS.ProcessEnv): boolean {
  if (!HAS_ENVIRON || env === environ || !envRefusesSymbols) {
    return HAS_ENVIRON && env === environ;
  }
  if (!Object.isExtensible(env)) return false;
  const probe = env as Record<symbol, unknown>;
  const symbol = Symbol('not a variable');
  try {
    probe[symbol] = '';
    delete probe[symbol];
    return false;
  } catch {
    environ = env;
    return true;
  }
}

/** As Latin-1, in which a byte is a character. */
function bytesOf(text: string): string {
  return encodeText(text).toString('latin1');
}

/**
 * What a copy of the environment has of variables that are not UTF-8 is not what they are. Where the
 * copy is as it would be of what this process was started with, that is taken.
 */
function restored(copy: readonly string[]): string[] {
  let started = '';
  try {
    started = readFileSync('/proc/self/environ', 'latin1');
  } catch {
    // no /proc: the copy is all there is
  }
  const entries = started.split('\0').map((entry) => {
    return [Buffer.from(entry, 'latin1').toString('utf8'), entry] as const;
  });
  const originals = new Map(entries);
  return copy.map((text) => originals.get(text) ?? bytesOf(text));
}

const NONE: readonly string[] = [];

/** As execve(2) takes it. */
export function emitEnvironment(program: ProgramBuilder, environment: Environment): Address {
  const { inherits, changes } = environment;
  const names = environment === INHERITED ? NONE : Object.keys(changes);
  const own: string[] = [];
  for (const name of names) {
    const value = changes[name];
    if (value !== undefined) own.push(`${name}=${value}`);
  }
  if (!inherits) return program.strings(own);
  const env = process.env ?? {};
  // Forty times faster than variable by variable, and byte for byte.
  if (isEnviron(env)) return program.inheritedEnvironment(names, own);
  const copy: string[] = [];
  for (const [name, value] of Object.entries(env)) {
    if (name in changes || value === undefined) continue;
    checkName('process.env', name);
    const text = `${name}=${value}`;
    checkString(`process.env.${name}`, text);
    copy.push(text);
  }
  if (!copy.some((text) => text.includes('\ufffd'))) return program.strings([...copy, ...own]);
  return program.strings([...restored(copy), ...own.map(bytesOf)], 'latin1');
}
