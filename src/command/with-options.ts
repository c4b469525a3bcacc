/**
 * The functions of this library with options of yours for every command.
 *
 * @module
 */
import { splitArguments } from './checked.js';
import type { Child } from './child.js';
import { Command } from './command.js';
import { mergeOptions } from './description.js';
import type { RunOptions, SpawnOptions } from './options.js';
import type { Outcome } from './result.js';
import { run } from './run.js';
import { runSync } from './run-sync.js';
import { spawn } from './spawn.js';
import { type Template, templateWith } from './template.js';
import type { NoOptions, Output, OutputOf, OutputOver } from './types.js';

/** What `P` on top of `O` is; of an option in both, that of `P` holds. */
type Over<O, P> = Omit<O, keyof P> & P;

/** `spawn`, `run`, `runSync`, `command` and `$` with options `O` under those of each call. */
export interface WithOptions<O extends RunOptions> {
  /** As `spawn`. */
  spawn<const P extends SpawnOptions = NoOptions>(
    file: string,
    args?: readonly string[],
    options?: P,
  ): Promise<Child<Over<O, P>>>;
  /** For a program without arguments. */
  spawn<const P extends SpawnOptions>(
    file: string,
    options: P | undefined,
  ): Promise<Child<Over<O, P>>>;
  /** As `run`. */
  run<const P extends RunOptions = NoOptions>(
    file: string,
    args?: readonly string[],
    options?: P,
  ): Promise<Outcome<OutputOver<OutputOf<O>, P>>>;
  /** For a program without arguments. */
  run<const P extends RunOptions>(
    file: string,
    options: P | undefined,
  ): Promise<Outcome<OutputOver<OutputOf<O>, P>>>;
  /** As `runSync`. */
  runSync<const P extends RunOptions = NoOptions>(
    file: string,
    args?: readonly string[],
    options?: P,
  ): Outcome<OutputOver<OutputOf<O>, P>>;
  /** For a program without arguments. */
  runSync<const P extends RunOptions>(
    file: string,
    options: P | undefined,
  ): Outcome<OutputOver<OutputOf<O>, P>>;
  /** As `command`. */
  command<const P extends RunOptions = NoOptions>(
    file: string,
    args?: readonly string[],
    options?: P,
  ): Command<OutputOver<OutputOf<O>, P>>;
  /** For a program without arguments. */
  command<const P extends RunOptions>(
    file: string,
    options: P | undefined,
  ): Command<OutputOver<OutputOf<O>, P>>;
  /** As `$`. */
  $: Template<OutputOf<O>>;
}

type Start = (file: string, args: readonly string[], options: RunOptions) => unknown;

/**
 * The functions of this library with options of yours under those of each call; `env` and `fds` are
 * merged: `const { run, $ } = withOptions({ cwd: '/repo', timeout: 60_000 })`.
 */
export function withOptions<const O extends RunOptions>(bound: O): WithOptions<O> {
  const over =
    (start: Start) =>
    (
      file: string,
      args?: readonly string[] | RunOptions,
      options?: RunOptions,
      ...rest: readonly unknown[]
    ): never => {
      const [words, given] = splitArguments(args, options, rest);
      return start(file, words, mergeOptions(bound, given)) as never;
    };
  return {
    spawn: over(spawn as Start),
    run: over(run as Start),
    runSync: over(runSync as Start),
    command: over((file, args, options) => new Command<Output>(file, args, options)),
    $: templateWith(mergeOptions(bound)),
  };
}
