/**
 * The error of a command that ran and failed.
 *
 * @module
 */
import type { ExitStatus } from '../process/status.js';
import type { Output as CollectedOutput, Outcome } from './types.js';

/** How much of stderr the message of an error holds. */
const TAIL_LINES = 10;
const TAIL_LENGTH = 2000;

/** The collected output of a command. */
export interface Output {
  readonly stdout: Collected;
  readonly stderr: Collected;
}

type Collected = string | Uint8Array | string[];

/** What else an error knows. */
interface Details {
  readonly cause?: unknown;
  /** Why it ended, where the status does not say. */
  readonly why?: string;
  readonly stages?: readonly Outcome<CollectedOutput>[];
}

function tail(output: Collected): string {
  let text = '';
  if (typeof output === 'string') text = output;
  else text = Array.isArray(output) ? output.join('\n') : Buffer.from(output).toString('utf8');
  const lines = text.slice(-TAIL_LENGTH).trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
  return lines === '' ? '' : `\n${lines}`;
}

function heldBy({ held }: ExitStatus): string {
  const streams = held.map(({ stream, pids, names }) => {
    const holders = pids.map((pid, index) => `${names[index]} (pid ${pid})`).join(', ');
    return `${stream} still open in ${holders || 'another process'}`;
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

  /** How each command of a pipeline ended; undefined for a command alone. */
  readonly stages?: readonly Outcome<CollectedOutput>[] | undefined;

  /** @internal */
  constructor(command: string, status: ExitStatus, output: Output, details: Details = {}) {
    const { cause, stages } = details;
    const ms = Math.round((status.usage.wallTime ?? 0) / 1000);
    const why = {
      timeout: 'timed out',
      aborted: 'aborted',
      maxBuffer: 'output exceeded maxBuffer',
    };
    const { reason } = status;
    const stop = details.why ?? why[reason as keyof typeof why];
    const stopped = stop === undefined ? '' : `${stop}, `;
    super(
      `${command}: ${stopped}${status} after ${ms} ms${heldBy(status)}${tail(output.stderr)}`,
      cause === undefined ? undefined : { cause },
    );
    this.name = 'ExitError';
    this.status = status;
    this.stdout = output.stdout;
    this.stderr = output.stderr;
    this.command = command;
    if (stages !== undefined) this.stages = stages;
  }

  /** For JSON, which leaves out the message of an error. */
  toJSON(): Pick<ExitError, 'message' | 'status' | 'command' | 'stages'> & Output {
    return { ...this, message: this.message };
  }
}
