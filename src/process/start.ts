/**
 * Starting one process, without streams: what a command is made from.
 *
 * @module
 */

import type { DescriptorSource } from '../launch/attribute.js';
import { type CompiledLaunch, checkLaunch } from '../launch/compile.js';
import { type LaunchOptions, launchOptionNames } from '../launch/order.js';
import { takeOptions } from '../launch/values.js';
import { checkInteger, checkSurplus, invalid } from '../syscall/check.js';
import { program, start } from './launch.js';
import type { Process } from './process.js';

/** The largest descriptor a process can have: /proc/sys/fs/nr_open goes no further. */
export const MAX_FD = 0x3fff_ffff;

/** What is true of the new process. */
export interface ProcessAttributes extends LaunchOptions {
  /**
   * Entry n is the child's descriptor n: a descriptor of this process, `'inherit'` for the same
   * number, `'null'` for /dev/null, null for a closed one. All others are closed in the child.
   * Default: `['inherit', 'inherit', 'inherit']`.
   */
  files?: readonly (DescriptorSource | null)[] | undefined;
}

const NAMES: readonly string[] = [...launchOptionNames, 'files'];

const STDIO: readonly DescriptorSource[] = ['inherit', 'inherit', 'inherit'];

function descriptorsOf(files: ProcessAttributes['files']): Map<number, DescriptorSource> {
  const descriptors = new Map<number, DescriptorSource>();
  if (files !== undefined && !Array.isArray(files)) throw invalid('files', files, 'an array');
  for (const [fd, file] of (files ?? STDIO).entries()) {
    if (typeof file === 'number') checkInteger(`files[${fd}]`, file, 0, MAX_FD);
    else if (file === null || file === undefined) continue;
    else if (file !== 'inherit' && file !== 'null') {
      throw invalid(`files[${fd}]`, file, "a descriptor, 'inherit', 'null' or null");
    }
    descriptors.set(fd, file);
  }
  return descriptors;
}

function compileProcess(
  path: string,
  argv: readonly string[],
  given: ProcessAttributes,
): CompiledLaunch {
  const attributes = takeOptions('', given, NAMES);
  const { argv0 } = attributes;
  const words = argv0 === undefined ? argv : [argv0, ...argv.slice(1)];
  const ready = {
    file: path,
    argv: words,
    descriptors: descriptorsOf(attributes.files),
    options: attributes,
    search: false,
  };
  checkLaunch(ready);
  return program(ready);
}

/**
 * Starts the program at `path`, which is not looked for along PATH; `argv` is all of it, argv[0]
 * included. Resolves once the program runs.
 *
 * @throws LaunchError when a step failed; nothing is left of the attempt then.
 */
export function startProcess(
  path: string,
  argv: readonly string[],
  attributes?: ProcessAttributes,
): Promise<Process>;
export function startProcess(
  path: string,
  argv: readonly string[],
  attributes: ProcessAttributes = {},
  ...rest: never[]
): Promise<Process> {
  checkSurplus(rest);
  try {
    return start(compileProcess(path, argv, attributes), { sync: false, watch: true });
  } catch (error) {
    return Promise.reject(error);
  }
}

/** As `startProcess`, and returns once the program runs. Blocks the event loop until then. */
export function startProcessSync(
  path: string,
  argv: readonly string[],
  attributes?: ProcessAttributes,
): Process;
export function startProcessSync(
  path: string,
  argv: readonly string[],
  attributes: ProcessAttributes = {},
  ...rest: never[]
): Process {
  checkSurplus(rest);
  return start(compileProcess(path, argv, attributes), { sync: true, watch: true });
}
