/**
 * A command as a value.
 *
 * @module
 */

import { splitArguments } from './checked.js';
import type { Child } from './child.js';
import { type Description, mergeOptions } from './description.js';
import { parseJson } from './json.js';
import type { RunOptions, SpawnOptions } from './options.js';
import { Pipeline } from './pipeline.js';
import { quoteCommand } from './quote.js';
import type { Outcome } from './result.js';
import { run } from './run.js';
import { runSync } from './run-sync.js';
import { spawn } from './spawn.js';
import type { NoOptions, Output, OutputOf, OutputOver } from './types.js';

/** An immutable description of a command, which can be started any number of times. */
export class Command<Out extends Output = string> implements Description {
  /** The program: a path, or a name to look for in PATH. */
  readonly file: string;
  /** Its arguments, without its name. */
  readonly args: readonly string[];
  /** What it is started with. */
  readonly options: Readonly<RunOptions>;

  /** @internal */
  constructor(file: string, args: readonly string[], options: RunOptions) {
    this.file = file;
    this.args = Object.freeze([...args]);
    this.options = Object.freeze(mergeOptions(options));
  }

  /** The same with other options on top; `env` and `fds` are merged. */
  with<const P extends RunOptions>(options: P): Command<OutputOver<Out, P>> {
    return new Command(this.file, this.args, mergeOptions(this.options, options));
  }

  /** Starts it as `spawn` does, with these options on top of its own. */
  spawn<const P extends SpawnOptions = SpawnOptions>(
    options?: P,
  ): Promise<Child<SpawnOptions & P>> {
    return spawn(this.file, this.args, mergeOptions(this.options, options)) as never;
  }

  /** Runs it as `run` does, with these options on top of its own. */
  run<const P extends RunOptions>(options: P | undefined): Promise<Outcome<OutputOver<Out, P>>>;
  /** Runs it as `run` does. */
  run(): Promise<Outcome<Out>>; // last, where the type of a pipeline's stage is inferred from it
  run(options?: RunOptions): Promise<Outcome<Output>> {
    return run(this.file, this.args, mergeOptions(this.options, options)) as never;
  }

  /** Runs it as `runSync` does. */
  runSync(): Outcome<Out>;
  /** With these options on top of its own. */
  runSync<const P extends RunOptions>(options: P | undefined): Outcome<OutputOver<Out, P>>;
  runSync(options?: RunOptions): Outcome<Output> {
    return runSync(this.file, this.args, mergeOptions(this.options, options)) as never;
  }

  /** Runs it and resolves to its stdout as text. */
  async text(options?: RunOptions): Promise<string> {
    return (await this.run({ ...options, lines: false, encoding: 'utf8' })).stdout as string;
  }

  /**
   * Runs it and resolves to the value of its stdout, which is JSON.
   *
   * @throws SyntaxError when it is not.
   */
  async json<T = unknown>(options?: RunOptions): Promise<T> {
    return parseJson(this.toString(), await this.text(options));
  }

  /** Connects its output to the input of `next`. */
  pipe<Next extends Output>(next: Command<Next>): Pipeline<Next, Out | Next> {
    return new Pipeline<Out>([this]).pipe(next);
  }

  /** Quoted so that a POSIX shell would run the same arguments. */
  toString(): string {
    return quoteCommand(this.file, this.args);
  }
}

/** Describes a command without starting it. */
export function command(file: string, args?: readonly string[]): Command<OutputOf<NoOptions>>;
/** The same with options. */
export function command<const O extends RunOptions>(
  file: string,
  args: readonly string[] | undefined,
  options: O | undefined,
): Command<OutputOf<O>>;
/** The same for a program without arguments. */
export function command<const O extends RunOptions>(
  file: string,
  options: O | undefined,
): Command<OutputOf<O>>;
export function command(
  file: string,
  args?: readonly string[] | RunOptions,
  options?: RunOptions,
  ...rest: readonly unknown[]
): Command<Output> {
  const [words, given] = splitArguments(args, options, rest);
  return new Command<Output>(file, words, given);
}
