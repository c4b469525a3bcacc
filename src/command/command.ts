/**
 * A command as a value.
 *
 * @module
 */
import type { Child } from './child.js';
import type { RunOptions, SpawnOptions } from './options.js';
import { Pipeline } from './pipeline.js';
import { quoteCommand } from './quote.js';
import type { Result } from './result.js';
import { run } from './run.js';
import { runSync } from './run-sync.js';
import { spawn, splitArguments } from './spawn.js';

/** An immutable description of a command, which can be started any number of times. */
export class Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly options: Readonly<RunOptions>;

  /** @internal */
  constructor(file: string, args: readonly string[], options: RunOptions) {
    this.file = file;
    this.args = Object.freeze([...args]);
    this.options = Object.freeze({ ...options });
  }

  /** The same with other options on top; `env` and `fds` are merged. */
  with(options: RunOptions): Command {
    return new Command(this.file, this.args, this.#merge(options));
  }

  spawn(options: SpawnOptions = {}): Promise<Child> {
    return spawn(this.file, this.args, this.#merge(options));
  }

  run(options: RunOptions = {}): Promise<Result> {
    return run(this.file, this.args, this.#merge(options));
  }

  runSync(options: RunOptions = {}): Result {
    return runSync(this.file, this.args, this.#merge(options));
  }

  /** Its output is the input of `next`. */
  pipe(next: Command): Pipeline {
    return new Pipeline([this, next]);
  }

  /** Quoted so that a POSIX shell would run the same arguments. */
  toString(): string {
    return quoteCommand(this.file, this.args);
  }

  #merge(options: RunOptions): RunOptions {
    const { env, fds } = this.options;
    const merged = { ...this.options, ...options };
    if (env !== undefined) merged.env = { ...env, ...options.env };
    if (fds !== undefined) merged.fds = { ...fds, ...options.fds };
    return merged;
  }
}

/** Describes a command without starting it. */
export function command(
  file: string,
  args?: readonly string[] | RunOptions,
  options?: RunOptions,
): Command {
  const [words, given] = splitArguments(args, options);
  return new Command(file, words, given);
}
