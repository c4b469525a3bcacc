/**
 * The error of a command that ran, but not well.
 *
 * @module
 */
import type { ExitStatus } from '../process/status.js';

/** How much of stderr an error's message holds. */
const TAIL_LINES = 10;
const TAIL_LENGTH = 2000;

/** What a command had written when it ended. */
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

/** A command ended with anything but exit code 0, or had to be stopped. */
export class ExitError extends Error {
  /** How it ended, and why: `reason`. */
  readonly status: ExitStatus;
  /** What was collected until then; text, bytes or lines as for a result. */
  readonly stdout: Collected;
  /** As `stdout`; its last lines are in the message. */
  readonly stderr: Collected;
  /** As a shell would take it. */
  readonly command: string;

  constructor(command: string, status: ExitStatus, output: Output, cause?: unknown) {
    const ms = Math.round(status.usage.wallTime / 1000);
    const why = { timeout: 'timed out', aborted: 'aborted', maxBuffer: 'too much output' };
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
