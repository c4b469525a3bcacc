/**
 * The options of a command.
 *
 * @module
 */

import type { Writable } from 'node:stream';
import { type LaunchOptions, launchOptionNames } from '../launch/order.js';
import { checkKeys } from '../launch/values.js';
import type { Scope } from '../process/scope.js';
import type { SandboxOptions } from '../sandbox/options.js';
import type { Signal } from '../syscall/signals.js';
import type { TerminalOptions } from '../terminal/options.js';
import type { Terminal } from '../terminal/terminal.js';
import type { Sink, Source } from './transfer.js';
import type { Verbose } from './verbose.js';

/** Collected, and shown as it comes: on the same stream of this process, or in streams. */
export type Shown = readonly ('pipe' | 'inherit' | Writable)[];

/** How a command says that it is ready. */
export interface ReadyOptions {
  /**
   * Text or a pattern that a line of its output contains; stdout or stderr has to be `'pipe'`. What was
   * read until then can still be read.
   */
  line?: string | RegExp | undefined;
  /** A descriptor of the child, from 3 on, to which it writes a line. */
  fd?: number | undefined;
  /** Milliseconds from the launch, after which the command is stopped. Default: no limit. */
  timeout?: number | undefined;
}

/** A file that the child reads or writes: open(2). */
export interface FileStdio {
  /** A path, or a `file:` URL, relative to the working directory of this process, not to `cwd`. */
  file: string | URL;
  /**
   * Whether writes go to the end of the file. Default: false; the file is then emptied first,
   * unless `access` is `'readwrite'`.
   */
  append?: boolean | undefined;
  /** The permissions of a file that is created, before the umask. Default: 0o666. */
  mode?: number | undefined;
  /**
   * Default: `'read'` for stdin, `'write'` for stdout and stderr. Descriptors above 2 have no
   * default: give `access`, or `append: true`.
   */
  access?: 'read' | 'write' | 'readwrite' | undefined;
}

/**
 * Where a descriptor of the child comes from:
 * - `'inherit'`: the same descriptor of this process;
 * - `'null'`: /dev/null;
 * - `'pipe'`: a pipe to this process, pipe(7); the child can open it again as /dev/stdout;
 * - `'stdout'`: for stderr only: the destination of stdout, so that the order of writes is kept;
 * - `'socket'`: a stream socket to this process, for both directions: socketpair(2);
 * - a number: that descriptor of this process, whose flags do not change;
 * - `{ file }`: a file;
 * - bytes, a readable stream or an iterable: written to a pipe that the child reads;
 * - for run, an array such as `['inherit', 'pipe']`: collected, and shown as it comes: on the same
 *   descriptor of this process, or in writable streams;
 * - a writable stream: receives the output of the child through a pipe, and is not ended.
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
  | Sink
  | Shown;

/** How a command is stopped. */
export interface StopOptions {
  /** The first signal. SIGCONT follows, so that a stopped process reacts. Default: `'SIGTERM'`. */
  signal?: Signal | undefined;
  /** Milliseconds until SIGKILL; Infinity means never. Default: 5000. */
  grace?: number | undefined;
  /**
   * What to stop. A process that may not be killed is given up after 1 s. Default: `'process'` for
   * spawn, `'tree'` for run, runSync and pipelines on Linux.
   */
  scope?: Scope | undefined;
  /** Instead of `signal` and `grace`: signals, each with the milliseconds until the next. */
  steps?: readonly (readonly [signal: Signal, grace?: number])[] | undefined;
}

/** Options of `spawn`: the attributes of the new process, its streams, and how it is stopped. */
export interface SpawnOptions extends LaunchOptions {
  /** Default: `'inherit'` for spawn, `'null'` for run. */
  stdin?: Stdio | undefined;
  /** Default: `'inherit'` for spawn; run collects it. */
  stdout?: Stdio | undefined;
  /** Default: `'inherit'` for spawn; run collects it. */
  stderr?: Stdio | undefined;
  /** Descriptors from 3 on, by their number in the child. All others are closed in the child. */
  fds?: Readonly<Record<number, Stdio>> | undefined;
  /**
   * Stops the command when it aborts. `status.reason` is then `'aborted'`, and the reason that was
   * given to `abort` is the `cause` of the error. If it has already aborted, the call rejects with
   * its reason and starts nothing. Default: none.
   */
  signal?: AbortSignal | undefined;
  /**
   * Milliseconds from the launch until the command is stopped; `status.reason` is then `'timeout'`.
   * 0 is no limit. Default: 0.
   */
  timeout?: number | undefined;
  /** How `signal`, `timeout` and the end of an `await using` block stop it. Default: see there. */
  stop?: StopOptions | undefined;
  /**
   * Milliseconds to wait for held pipes after the process has ended. Default: 1000 for run; no
   * limit for the streams of spawn.
   */
  waitDelay?: number | undefined;
  /**
   * `'parent'`: the command and its descendants end with this process, with the strongest means
   * that the system has; `lifetime` of the Child reports which. `parentDeathSignal`, by default
   * SIGKILL, ends the command itself, however this process ends. When this process ends on its own,
   * the tree of the command is killed too. Default: none.
   */
  lifetime?: 'parent' | undefined;
  /**
   * The opposite of `lifetime`: a session of its own, /dev/null for stdin, stdout and stderr unless
   * they are given, and the event loop does not wait for the process. Default: false.
   */
  detached?: boolean | undefined;
  /**
   * A pseudo-terminal for the command: one that `openTerminal` has opened, or the options of one that
   * is opened for it and is the `terminal` of the Child. It becomes stdin, stdout and stderr where
   * these are not given, and the controlling terminal of a session of its own. `run` collects what
   * is printed on it as stdout, and closes the one it has opened. Default: none.
   */
  terminal?: Terminal | TerminalOptions | undefined;
  /**
   * What a program that is not trusted may do: files, network, processes, memory and time. What is not
   * named is denied. `sandbox` of the Child reports what is enforced, and what is not and why. The
   * whole tree of the program is stopped with it, and when it ends. Default: none.
   */
  sandbox?: SandboxOptions | undefined;
  /**
   * Reports each launch and each end with a line, on stderr or to a function, whose errors are uncaught
   * exceptions and stop nothing of the command. Default: whether FORKEXEC_DEBUG is set and not 0.
   */
  verbose?: Verbose | undefined;
  /**
   * For spawn: resolves once the command says that it is ready, by a line of its output or on a
   * descriptor; rejects with an ExitError when it ends before. Default: once it runs.
   */
  ready?: ReadyOptions | undefined;
}

/** The most bytes that are collected of a stream, or which of more are kept. */
export type MaxBuffer = number | { bytes: number; keep: 'head' | 'tail' | 'both' };

/** Options of `run`, `runSync` and `command`: those of `spawn`, and how output is collected. */
export interface RunOptions extends SpawnOptions {
  /** Data that is written to stdin. runSync takes a string or bytes. Default: none. */
  input?: string | Source | undefined;
  /** Whether output is an array of lines instead of text. Default: false. */
  lines?: boolean | undefined;
  /** Whether output is text or bytes. Default: `'utf8'`. */
  encoding?: 'utf8' | 'buffer' | undefined;
  /**
   * The most bytes that are collected of one stream. If there are more, the command is stopped, and
   * `status.reason` is `'maxBuffer'`. Infinity is no limit. With `{ bytes, keep }` the command runs on,
   * and the first bytes are kept (`'head'`), the last ones (`'tail'`), or half of each (`'both'`);
   * `omitted` of the result counts the others. Default: 100 MiB.
   */
  maxBuffer?: MaxBuffer | undefined;
  /** The exit codes that are no failure: `[0, 1]` for grep and diff. Default: `[0]`. */
  exitCodes?: readonly number[] | undefined;
  /** Whether to reject with an ExitError unless the exit code is one of `exitCodes`. Default: true. */
  reject?: boolean | undefined;
  /** Whether one newline at the end of text is removed. Default: true. */
  stripFinalNewline?: boolean | undefined;
}

/** Options of `run` whose output is text, for functions that take options and pass them on. */
export type TextOptions = Omit<RunOptions, 'lines' | 'encoding'>;

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
  ready: true,
  terminal: true,
  sandbox: true,
  verbose: true,
  input: true,
  lines: true,
  encoding: true,
  maxBuffer: true,
  exitCodes: true,
  reject: true,
  stripFinalNewline: true,
};

/** The names of all options. */
export const optionNames: readonly string[] = [...launchOptionNames, ...Object.keys(OWN_NAMES)];

/** Refuses what is no option of a command, such as a misspelt one. */
export function checkOptionNames(options: RunOptions): void {
  checkKeys('', options, optionNames);
}
