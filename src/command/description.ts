/**
 * What commands and pipelines have in common.
 *
 * @module
 */
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
  const merged = { ...under, ...over };
  if (under.env !== undefined) merged.env = { ...under.env, ...over.env };
  if (under.fds !== undefined) merged.fds = { ...under.fds, ...over.fds };
  return merged;
}
