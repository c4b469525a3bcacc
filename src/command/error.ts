/**
 * The error of a command that ran and failed.
 *
 * @module
 */
import type { ExitStatus } from '../process/status.js';

/** How much of stderr the message of an error holds. */
const TAIL_LINES = 10;
const TAIL_LENGTH = 2000;

/** The collected output of a command. */
export interface Output {
  readonly stdout: Collected;
  readonly stderr: Collected;
}

type Collected = string | Uint8Array | string[];

function tail(output: Collected): string {
  let text = '';
  if (typeof output === 'string') text = output;
  else text = Array.isArray(output) ? output.join('\n') : Buffer.from(output).toString('utf8');
  const lines = text.slice(-TAIL_LENGTH).trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
  return lines === '' ? '' : `\n${lines}`;
}

function heldBy({ held }: ExitStatus): string {
  const streams = held.map(({ stream, pids }) => {
    return `${stream} still open in ${pids.length === 0 ? 'another process' : `pid ${pids.join(', ')}`}`;
  });
  return streams.length === 0 ? '' : ` (${streams.join('; ')})`;
}

/** A command ended with another exit code than 0, was killed by a signal, or had to be stopped. */
export class ExitError extends Error {
  /** How the command ended, and why (`reason`). */
  readonly status: ExitStatus;
  /** The collected output, as text, bytes or lines like that of a result. */
  readonly stdout: Collected;
  /** The collected stderr, like `stdout`; the message ends with its last lines. */
  readonly stderr: Collected;
  /** The command, quoted as for a shell. */
  readonly command: string;

  constructor(command: string, status: ExitStatus, output: Output, cause?: unknown) {
    const ms = Math.round((status.usage.wallTime ?? 0) / 1000);
    const why = {
      timeout: 'timed out',
      aborted: 'aborted',
      maxBuffer: 'output exceeded maxBuffer',
    };
    const { reason } = status;
    const stopped = reason in why ? `${why[reason as keyof typeof why]}, ` : '';
    super(
      `${command}: ${stopped}${status} after ${ms} ms${heldBy(status)}${tail(output.stderr)}`,
      cause === undefined ? undefined : { cause },
    );
    this.name = 'ExitError';
    this.status = status;
    this.stdout = output.stdout;
    this.stderr = output.stderr;
    this.command = command;
  }
}
