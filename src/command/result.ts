/**
 * What a command that ran to its end leaves.
 *
 * @module
 */
import type { ExitStatus } from '../process/status.js';
import type { Collected } from './capture.js';
import type { Checked } from './checked.js';
import { ExitError } from './error.js';
import { splitLines } from './lines.js';
import type { RunOptions } from './options.js';
import { quoteCommand } from './quote.js';
import type { NoOptions, Output, OutputOf } from './types.js';

/** What a command wrote, as `Out`, and how it ended. */
export interface Outcome<Out extends Output> {
  /** Text, bytes with `encoding: 'buffer'`, or lines; empty where it was not collected. */
  readonly stdout: Out;
  /** As `stdout`. */
  readonly stderr: Out;
  /** How it ended, and what it used. */
  readonly status: ExitStatus;
  /** From right before its birth to its end, milliseconds: as `wallTime` of its usage. */
  readonly durationMs: number;
  /** As a shell would take it. */
  readonly command: string;
}

/** The outcome of a command by its options. */
export interface Result<O = NoOptions> extends Outcome<OutputOf<O>> {}

function decode(bytes: Uint8Array, options: RunOptions): Output {
  if (options.encoding === 'buffer') return bytes;
  if (options.lines) return splitLines(bytes);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  return options.stripFinalNewline !== false && text.endsWith('\n') ? text.slice(0, -1) : text;
}

/** A command that ran to its end. */
export interface Ran {
  readonly command: Pick<Checked, 'file' | 'args' | 'options'>;
  readonly status: ExitStatus;
  /** What was collected, by the child's descriptor. */
  readonly collected: ReadonlyMap<number, { readonly collected: Collected }>;
  /** Why it could not be stopped. */
  readonly stopError: unknown;
}

/** @throws ExitError unless the command exited with 0, or `reject` is false. */
export function resultOf({ command, status, collected, stopError }: Ran): Result<RunOptions> {
  const { file, args, options } = command;
  const textOf = (fd: number): Output => {
    return decode(collected.get(fd)?.collected.bytes ?? new Uint8Array(), options);
  };
  const output = { stdout: textOf(1), stderr: textOf(2), command: quoteCommand(file, args) };
  const isNatural = status.reason === 'exited' || status.reason === 'signaled';
  if (options.reject !== false && !(status.ok && isNatural)) {
    const aborted = status.reason === 'aborted' ? options.signal?.reason : undefined;
    throw new ExitError(output.command, status, output, stopError ?? aborted);
  }
  const durationMs = (status.usage.wallTime ?? 0) / 1000;
  // The types follow the options where they are given: see the signature of `run`.
  return { ...output, status, durationMs } as Result<RunOptions>;
}
