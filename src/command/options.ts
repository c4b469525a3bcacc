/**
 * The options of a command.
 *
 * @module
 */
import { type LaunchOptions, launchOptionNames } from '../launch/order.js';
import { checkKeys } from '../launch/values.js';
import type { Scope } from '../process/scope.js';
import type { Signal } from '../syscall/signals.js';
import type { Sink, Source } from './transfer.js';
import type { Verbose } from './verbose.js';

/** A file that the child reads or writes: open(2). */
export interface FileStdio {
  /** A path, or a `file:` URL; relative to the working directory of this process, not to `cwd`. */
  file: string | URL;
  /**
   * Writes go to the end of the file. Default: false, and the file is emptied first, unless `access`
   * is `'readwrite'`.
   */
  append?: boolean | undefined;
  /** Permissions of a file that is created, before the umask. Default: 0o666. */
  mode?: number | undefined;
  /**
   * Default: `'read'` for stdin, `'write'` for stdout and stderr. Descriptors above 2 have none: give
   * it, or `append: true`.
   */
  access?: 'read' | 'write' | 'readwrite' | undefined;
}

/**
 * Where a descriptor of the child comes from:
 * - `'inherit'`: the same descriptor of this process;
 * - `'null'`: /dev/null;
 * - `'pipe'`: a pipe to this process, pipe(7); the child can open it anew as /dev/stdout;
 * - `'stdout'`: for stderr only, whatever stdout is, so that the order of writes is kept;
 * - `'socket'`: a bidirectional stream socket to this process, socketpair(2);
 * - a number: that descriptor of this process, whose flags are not touched;
 * - `{ file }`: a file;
 * - bytes, a readable stream or an iterable: written into a pipe that the child reads;
 * - a writable stream: gets what the child writes into a pipe, and is not ended.
 */
export type Stdio =
  | 'inherit'
  | 'null'
  | 'pipe'
  | 'stdout'
  | 'socket'
  | number
  | FileStdio
  | Source
  | Sink;

/** How a command is made to end. */
export interface StopOptions {
  /** Asked first; SIGCONT follows, so that a stopped process can answer. Default: `'SIGTERM'`. */
  signal?: Signal | undefined;
  /** Milliseconds until SIGKILL; Infinity is never. Default: 5000. */
  grace?: number | undefined;
  /** Who is to end. Who may not be killed is given up a second after SIGKILL. Default: `'process'`. */
  scope?: Scope | undefined;
  /** Instead of `signal` and `grace`: each signal, and how long it is given, in milliseconds. */
  steps?: readonly (readonly [signal: Signal, grace?: number])[] | undefined;
}

/** Options of `spawn`: what is true of the new process, and its streams and its end. */
export interface SpawnOptions extends LaunchOptions {
  /** Default: `'inherit'` for spawn, `'null'` for run. */
  stdin?: Stdio | undefined;
  /** Default: `'inherit'` for spawn; run collects it. */
  stdout?: Stdio | undefined;
  /** Default: `'inherit'` for spawn; run collects it. */
  stderr?: Stdio | undefined;
  /** The child's descriptors from 3 on, by number. All others are closed in it. */
  fds?: Readonly<Record<number, Stdio>> | undefined;
  /**
   * Stops the command when aborted; `status.reason` is `'aborted'`, and the reason given to `abort`
   * the `cause` of the error. One that has aborted already rejects with its reason, and nothing is
   * started. Default: none.
   */
  signal?: AbortSignal | undefined;
  /**
   * Milliseconds from the launch until the command is stopped; `status.reason` is then `'timeout'`.
   * 0 is no limit. Default: 0.
   */
  timeout?: number | undefined;
  /** How `signal`, `timeout` and the end of an `await using` scope stop it. */
  stop?: StopOptions | undefined;
  /**
   * Milliseconds to wait, after the process ended, for pipes that others still hold open. Default:
   * 1000 for run; no limit for the streams of spawn.
   */
  waitDelay?: number | undefined;
  /**
   * `'parent'`: the command and its descendants end with this process, by the strongest means that
   * the system has; `lifetime` of the Child says which. `parentDeathSignal` (SIGKILL unless given)
   * ends the command itself however this process ends; on a normal exit its tree is killed too.
   */
  lifetime?: 'parent' | undefined;
  /**
   * The opposite: a session of its own, stdio from and to /dev/null unless given, and this process
   * does not wait for it to end. Default: false.
   */
  detached?: boolean | undefined;
  /**
   * One line for each launch and exit, on stderr or to a function. Default: whether FORKEXEC_DEBUG
   * is set and not 0.
   */
  verbose?: Verbose | undefined;
}

/** Options of `run`, `runSync` and `command`: also what is collected and how. */
export interface RunOptions extends SpawnOptions {
  /** Written to stdin. runSync takes a string or bytes. */
  input?: string | Source | undefined;
  /** Whether output is an array of lines instead of text. Default: false. */
  lines?: boolean | undefined;
  /** Whether output is text or bytes. Default: `'utf8'`. */
  encoding?: 'utf8' | 'buffer' | undefined;
  /**
   * Bytes of one stream; more stop the command, and `status.reason` is `'maxBuffer'`. Infinity is no
   * limit. Default: 100 MiB.
   */
  maxBuffer?: number | undefined;
  /** Whether anything but exit code 0, or to be stopped, is an ExitError. Default: true. */
  reject?: boolean | undefined;
  /** Whether one newline at the end of text is left out. Default: true. */
  stripFinalNewline?: boolean | undefined;
}

const OWN_NAMES: Record<Exclude<keyof RunOptions, keyof LaunchOptions>, true> = {
  stdin: true,
  stdout: true,
  stderr: true,
  fds: true,
  signal: true,
  timeout: true,
  stop: true,
  waitDelay: true,
  lifetime: true,
  detached: true,
  verbose: true,
  input: true,
  lines: true,
  encoding: true,
  maxBuffer: true,
  reject: true,
  stripFinalNewline: true,
};

/** The names of all options. */
export const optionNames: readonly string[] = [...launchOptionNames, ...Object.keys(OWN_NAMES)];

/** Refuses what is no option of a command, such as a misspelt one. */
export function checkOptionNames(options: RunOptions): void {
  checkKeys('', options, optionNames);
}
