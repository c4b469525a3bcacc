/**
 * What a command that ran to its end leaves.
 *
 * @module
 */

import type { ExitStatus } from '../process/status.js';
import { checkBoolean, checkInteger, invalid, refused } from '../syscall/check.js';
import { checkSpawnOptions } from './child.js';
import { ExitError } from './error.js';
import { splitLines } from './lines.js';
import type { RunOptions, Stdio } from './options.js';
import { quoteCommand } from './quote.js';
import { isSource } from './transfer.js';
import type { NoOptions, Output, OutputOf } from './types.js';

export const DEFAULT_MAX_BUFFER: number = 100 * 1024 * 1024;

/** Milliseconds. */
export const DEFAULT_WAIT_DELAY = 1000;

/** What a command wrote, as `Out`, and how it ended. */
export interface Outcome<Out extends Output> {
  /** Text, bytes with `encoding: 'buffer'`, or lines; empty where it was not collected. */
  readonly stdout: Out;
  /** As `stdout`. */
  readonly stderr: Out;
  /** How it ended, and what it used. */
  readonly status: ExitStatus;
  /** From execve to the end, milliseconds. */
  readonly durationMs: number;
  /** As a shell would take it. */
  readonly command: string;
}

/** The outcome of a command by its options. */
export interface Result<O = NoOptions> extends Outcome<OutputOf<O>> {}

/** What was collected, by the child's descriptor. */
export type Collected = ReadonlyMap<number, Uint8Array>;

/** What run's stdio is where the options say nothing. */
export function runDefaults(options: RunOptions): readonly [Stdio, Stdio, Stdio] {
  const { input } = options;
  if (input === undefined) return ['null', 'pipe', 'pipe'];
  return [typeof input === 'string' ? Buffer.from(input, 'utf8') : input, 'pipe', 'pipe'];
}

export function checkRunOptions(options: RunOptions): void {
  checkSpawnOptions(options);
  const { input, encoding, lines, maxBuffer, ptrace, stdin } = options;
  if (ptrace)
    throw refused('ptrace', 'cannot be used with run: nothing would resume the process. Use spawn');
  if (input !== undefined && typeof input !== 'string' && !isSource(input)) {
    throw invalid('input', input, 'a string, bytes, a readable stream or an iterable');
  }
  if (input !== undefined && stdin !== undefined) {
    throw refused('input', 'cannot be combined with stdin');
  }
  if (lines && encoding === 'buffer') {
    throw refused('lines', "cannot be combined with encoding 'buffer': lines are text");
  }
  for (const name of ['reject', 'stripFinalNewline', 'lines'] as const) {
    if (options[name] !== undefined) checkBoolean(name, options[name]);
  }
  if (encoding !== undefined && encoding !== 'utf8' && encoding !== 'buffer') {
    throw invalid('encoding', encoding, "'utf8' or 'buffer'");
  }
  if (maxBuffer !== undefined && maxBuffer !== Number.POSITIVE_INFINITY) {
    checkInteger('maxBuffer', maxBuffer, 0, Number.MAX_SAFE_INTEGER);
  }
}

function decode(bytes: Uint8Array, options: RunOptions): string | Uint8Array | string[] {
  if (options.encoding === 'buffer') return bytes;
  if (options.lines) return splitLines(bytes);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  return options.stripFinalNewline !== false && text.endsWith('\n') ? text.slice(0, -1) : text;
}

/** Whether it ended by itself, and was not stopped. */
export function isNatural({ reason }: ExitStatus): boolean {
  return reason === 'exited' || reason === 'signaled';
}

/** @throws ExitError unless the command exited with 0, or `reject` is false. */
export function resultOf(
  file: string,
  args: readonly string[],
  options: RunOptions,
  status: ExitStatus,
  collected: Collected,
  stopError?: unknown,
): Result<RunOptions> {
  const nothing = new Uint8Array();
  const output = {
    stdout: decode(collected.get(1) ?? nothing, options),
    stderr: decode(collected.get(2) ?? nothing, options),
  };
  const command = quoteCommand(file, args);
  if (options.reject !== false && !(status.ok && isNatural(status))) {
    const aborted = status.reason === 'aborted' ? options.signal?.reason : undefined;
    throw new ExitError(command, status, output, stopError ?? aborted);
  }
  const durationMs = (status.usage.wallTime ?? 0) / 1000;
  // The types follow the options where they are given: see the signature of `run`.
  return { ...output, status, durationMs, command } as Result<RunOptions>;
}
