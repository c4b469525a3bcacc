/**
 * What commands and pipelines have in common.
 *
 * @module
 */
import { isBag, ownOptions } from '../launch/values.js';
import { invalid } from '../syscall/check.js';
import type { RunOptions } from './options.js';
import type { Outcome } from './result.js';
import type { Output } from './types.js';

/** A program to start, with its arguments and options. */
export interface Description {
  /** The program: a path, or a name that is searched in PATH. */
  readonly file: string;
  /** The arguments, without the program's name. */
  readonly args: readonly string[];
  /** The options of the start. */
  readonly options: Readonly<RunOptions>;
}

/** A command that can be a stage of a pipeline: a `Command`. */
export interface Stage<Out extends Output> extends Description {
  run(): Promise<Outcome<Out>>;
}

/** Options with others on top; `env` and `fds` are merged. */
export function mergeOptions(under: Readonly<RunOptions>, over: RunOptions = {}): RunOptions {
  // What is not an object of options has no keys to merge, and would be dropped.
  for (const options of [under, over]) {
    if (!isBag(options)) throw invalid('options', options, 'an object');
  }
  const merged = { ...under, ...over };
  const { env, fds } = ownOptions(over);
  const { env: envUnder, fds: fdsUnder } = ownOptions(under);
  if (envUnder !== undefined && isBag(env ?? {})) merged.env = { ...envUnder, ...env };
  if (fdsUnder !== undefined && isBag(fds ?? {})) merged.fds = { ...fdsUnder, ...fds };
  return merged;
}
