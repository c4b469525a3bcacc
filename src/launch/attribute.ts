/**
 * An attribute of a new process: some options, and the steps of a launch that carry them out.
 *
 * @module
 */
import type { ProgramBuilder } from './program.js';

/**
 * Where a descriptor of the child comes from: a descriptor of this process; the same number of this
 * process, open or not; or /dev/null.
 */
export type DescriptorSource = number | 'inherit' | 'null';

/** What a caller has worked out itself, and the options do not say. */
export interface Verbatim {
  /** `NAME=value`, as execve(2) takes them: repeated and empty names are kept. */
  readonly environment: readonly string[];
  /** The paths that execve is tried with, in this order. */
  readonly paths: readonly string[];
  /** Descriptors of the child from whose description O_NONBLOCK is taken. */
  readonly blocking: readonly number[];
}

/** What is known of a launch before anything is opened for it. */
export interface Draft<O extends object> {
  readonly file: string;
  /** With argv[0]. */
  readonly argv: readonly string[];
  readonly options: O;
  /** The descriptors that the child is to have. */
  readonly descriptors: { has(fd: number): boolean };
  /** Whether this process itself becomes the program. */
  readonly inPlace?: boolean;
  /** Whether a file without a slash is looked for along PATH. Default: true. */
  readonly search?: boolean;
  /** Instead of what the options say. */
  readonly verbatim?: Verbatim | undefined;
  /** Directories of control groups of version 1, which the child enters. */
  readonly joins?: readonly string[] | undefined;
}

/** A draft that was checked, and what was opened for it. */
export interface Launch<O extends object> extends Draft<O> {
  /** The child's descriptors by number; those not named here are closed in it. */
  readonly descriptors: ReadonlyMap<number, DescriptorSource>;
  readonly search: boolean;
  /** The process that is the new program's parent. */
  readonly parentPid: number;
}

/** A flag of the command `forkexec` that sets an option. */
export interface Flag<O extends object> {
  /** As commander writes it: `--umask <mode>`. */
  readonly flags: string;
  readonly description: string;
  /** Whether it can be given several times. */
  readonly repeatable?: boolean;
  /** The options that this flag changes; `options` are those of the flags before it. */
  apply(options: O, value: string): Partial<O>;
}

/** A harmless use of an option, which `forkexec doctor` tries. */
export interface Trial<O extends object> {
  readonly options: O;
  /** What is left of the option if nothing before this trial works. */
  readonly limit?: string;
  /** Stdin is to be a terminal that no other session has. */
  readonly onTerminal?: true;
}

/** By option: its trials, those that ask for most first; or why there is nothing to try. */
export type Trials<O extends object> = Readonly<Record<string, readonly Trial<O>[] | string>>;

/**
 * One attribute, with everything that the library knows of it; `order.ts` lists them. It sees its
 * own options `O` and those it names in `Seen`.
 */
export interface Attribute<
  O extends object,
  Steps extends readonly string[],
  Seen extends object = object,
> {
  /** Each option belongs to one attribute; a name that belongs to none is refused. */
  readonly options: readonly (keyof O & string)[];
  /** Every step that it can fail at. */
  readonly steps: Steps;
  /**
   * Whether its check and its steps depend on nothing but the values of its options, where these are not
   * objects: then launches with the same values can begin with the same steps. Default: false.
   */
  readonly steady?: true;
  /**
   * What of this process the steps depend on whatever the options are: it differs where they do. Asked for at
   * every launch.
   */
  depends?(launch: Launch<O & Seen>): string | number | bigint;
  /** The systems that have it; with the portable backend Linux is none of them. */
  readonly on: 'all' | readonly ('linux' | 'freebsd')[];
  /** Throws TypeError or RangeError for options that can't be taken. Opens and reads nothing. */
  check?(options: O & Seen, draft: Draft<O & Seen>): void;
  /** Adds the instructions for options that were checked. */
  emit(program: ProgramBuilder<Steps[number]>, launch: Launch<O & Seen>): void;
  readonly flags?: readonly Flag<O>[];
  /** By path, the values that are descriptors of this process where they are numbers. */
  descriptorsIn?(options: O): Readonly<Record<string, unknown>>;
  /** A function, for it may look at what this process has. */
  trials?(): Trials<O & Seen>;
}

/** A step that this process fails at while it compiles: the LaunchError has its name. */
export class StepFailure extends Error {
  readonly step: { readonly name: string; readonly argument: string };
  readonly errno: number;
  constructor(name: string, argument: string, errno: number) {
    super(name);
    this.step = { name, argument };
    this.errno = errno;
  }
}
