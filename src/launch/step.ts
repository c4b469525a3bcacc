/**
 * What a step of a launch is made of.
 *
 * @module
 */
import type { LaunchOptions } from './order.js';
import type { ProgramBuilder } from './program.js';

/**
 * Where a descriptor of the child comes from: a descriptor of this process; the same number of this
 * process, open or not; or /dev/null.
 */
export type DescriptorSource = number | 'inherit' | 'null';

/** What is to be launched. */
export interface Launch {
  readonly file: string;
  /** With argv[0]. */
  readonly argv: readonly string[];
  /** The child's descriptors by number; those not named here are closed in it. */
  readonly descriptors: ReadonlyMap<number, DescriptorSource>;
  readonly options: LaunchOptions;
  /** Whether a file without a slash is looked for along PATH. */
  readonly search: boolean;
  /** Whether it is this process that becomes the program. */
  readonly inPlace?: boolean;
  /** The process that is the new program's parent. */
  readonly parentPid: number;
}

/** A flag of the command `forkexec` that sets an option. */
export interface Flag {
  /** As commander writes it: `--umask <mode>`. */
  readonly flags: string;
  readonly description: string;
  /** Whether it can be given several times. */
  readonly repeatable?: boolean;
  /** The options that this flag asks for, added to those of the flags before it. */
  apply(options: LaunchOptions, value: string): LaunchOptions;
}

/** One thing that the child does to itself. `order.ts` says when. */
export interface Step {
  /** The options it carries out; one that several steps carry out stands at the first. */
  readonly options: readonly (keyof LaunchOptions)[];
  /** Adds its instructions; throws TypeError or RangeError for options that can't be taken. */
  emit(program: ProgramBuilder, launch: Launch): void;
  readonly flags?: readonly Flag[];
}
