/**
 * What a command that ran to its end leaves.
 *
 * @module
 */
import type { ExitStatus } from '../process/status.js';
import type { SystemError } from '../syscall/errors.js';
import type { Checked } from './checked.js';
import { type Collected, textFrom } from './collected.js';
import { ExitError } from './error.js';
import { streamName } from './holders.js';
import { splitLines } from './lines.js';
import type { RunOptions } from './options.js';
import { quoteCommand } from './quote.js';
import type { NoOptions, Outcome, Output, OutputOf } from './types.js';

export type { Outcome } from './types.js';

/** The outcome of a command by its options. */
export interface Result<O = NoOptions> extends Outcome<OutputOf<O>> {}

function decode(collected: Collected | undefined, options: RunOptions): Output {
  if (options.encoding === 'buffer') return collected?.bytes ?? new Uint8Array();
  const text = collected === undefined ? '' : textFrom(collected);
  if (options.lines) return splitLines(Buffer.from(text));
  if (options.stripFinalNewline === false || !text.endsWith('\n')) return text;
  // A terminal ends its lines with both.
  return text.slice(0, options.terminal !== undefined && text.endsWith('\r\n') ? -2 : -1);
}

/** What was collected, and why no more could be. */
export interface Capturing {
  readonly collected: Collected;
  readonly error?: SystemError | undefined;
}

/** A command that ran to its end. */
export interface Ran {
  readonly command: Pick<Checked, 'file' | 'args' | 'options'>;
  readonly status: ExitStatus;
  /** What was collected, by the child's descriptor. */
  readonly collected: ReadonlyMap<number, Capturing>;
  /** Why it could not be stopped. */
  readonly stopError: unknown;
}

/** Whether a command did not end as its options accept. */
export function isFailure({ code, reason }: ExitStatus, { exitCodes = [0] }: RunOptions): boolean {
  return reason !== 'exited' || code === null || !exitCodes.includes(code);
}

/** @throws ExitError unless the command exited with 0, or `reject` is false. */
export function resultOf({ command, status, collected, stopError }: Ran): Result<RunOptions> {
  for (const { error } of collected.values()) if (error !== undefined) throw error;
  const { file, args, options } = command;
  let tooLong: { readonly why: string; readonly cause: unknown } | undefined;
  const textOf = (fd: number): Output => {
    const bytes = collected.get(fd)?.collected;
    try {
      return decode(bytes, options);
    } catch (cause) {
      const why = `${streamName(fd)} is longer than a string can be: use encoding 'buffer'`;
      tooLong ??= { why, cause };
      return bytes?.bytes ?? '';
    }
  };
  const output = { stdout: textOf(1), stderr: textOf(2), command: quoteCommand(file, args) };
  if (tooLong !== undefined) throw new ExitError(output.command, status, output, tooLong);
  const omittedOf = (fd: number): number => collected.get(fd)?.collected.omitted ?? 0;
  const omitted = { stdout: omittedOf(1), stderr: omittedOf(2) };
  if (options.reject !== false && isFailure(status, options)) {
    const aborted = status.reason === 'aborted' ? options.signal?.reason : undefined;
    throw new ExitError(output.command, status, output, { cause: stopError ?? aborted });
  }
  const durationMs = (status.usage.wallTime ?? 0) / 1000;
  // The types follow the options where they are given: see the signature of `run`.
  return { ...output, status, durationMs, omitted } as Result<RunOptions>;
}
