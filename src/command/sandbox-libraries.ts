/**
 * Whether the program of a sandbox can start in it.
 *
 * @module
 */
import { resolve } from 'node:path';
import { workingDirectory } from '../launch/environ.js';
import { candidatesOf } from '../launch/image.js';
import { imageFiles, isExecutable } from '../launch/reason.js';
import { deniedLibrary } from '../sandbox/elf-libraries.js';
import type { SpawnOptions } from './options.js';

/** By what enforces a policy, the programs that can start. */
const started = new WeakMap<object, Set<string>>();

/**
 * The library that keeps a program from starting, since the policy does not list it. A program, interpreter
 * or loader that is denied is left to execve(2), whose error names it. Looked at once for each program and
 * policy.
 */
export function libraryDenied(
  file: string,
  options: SpawnOptions,
  enforced: object,
  allows: (path: string) => boolean,
): string | undefined {
  const variable = (name: string): unknown => {
    const { env = {}, clearEnv } = options;
    return Object.hasOwn(env, name) ? env[name] : clearEnv ? undefined : process.env[name];
  };
  const path = options.path ?? variable('PATH') ?? '/bin:/usr/bin';
  const libraries = variable('LD_LIBRARY_PATH') ?? '';
  // What is no text is refused when the options are checked.
  if (![file, path, libraries].every((each) => typeof each === 'string')) return undefined;
  const cwd = workingDirectory(options) ?? process.cwd();
  const key = [file, path, libraries, cwd].join('\0');
  const known = started.get(enforced) ?? new Set();
  started.set(enforced, known);
  if (known.has(key)) return undefined;
  const program = candidatesOf(file, path as string)
    .map((each) => resolve(cwd, each))
    .find(isExecutable);
  if (program !== undefined) {
    const files = [program, ...imageFiles(program, { root: '/', cwd: '/' })];
    // The last is the loader, and the one before it what it loads. Without one there are no libraries.
    const loaded = files.at(-2);
    if (loaded !== undefined && files.every(allows)) {
      const searched = (libraries as string).split(':').filter((each) => each !== '');
      const denied = deniedLibrary(loaded, searched, allows);
      if (denied !== undefined) return denied;
    }
  }
  known.add(key);
  return undefined;
}
