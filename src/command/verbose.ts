/**
 * One line for each launch and exit.
 *
 * @module
 */
import { writeSync } from 'node:fs';
import type { ExitStatus } from '../process/status.js';
import { now, queueMicrotask } from '../time.js';
import { quoteCommand } from './quote.js';

/** Where the lines go. */
export type Verbose = boolean | ((line: string) => void);

let count = 0;

function toStderr(line: string): void {
  try {
    writeSync(2, `${line}\n`);
  } catch {
    // closed, or full and not blocking: not worth an error
  }
}

/** An error of the caller's function is uncaught, and does not end in the midst what it is told of. */
function guarded(write: (line: string) => void): (line: string) => void {
  return (line) => {
    try {
      write(line);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  };
}

/** What is told of one command. */
export interface Report {
  compiled(): void;
  launched(pid: number): void;
  failed(error: unknown): void;
  exited(status: ExitStatus): void;
}

const ms = (microseconds = Number.NaN): string =>
  Number.isNaN(microseconds) ? 'unknown' : `${(microseconds / 1000).toFixed(1)} ms`;

/** A reporter of one command, if one is wanted: by the option, or by FORKEXEC_DEBUG=1. */
export function reportOf(
  verbose: Verbose | undefined,
  file: string,
  args: readonly string[],
): Report | undefined {
  const wanted = verbose ?? (process.env['FORKEXEC_DEBUG'] ?? '0') !== '0';
  if (wanted === false) return undefined;
  const write = wanted === true ? toStderr : guarded(wanted);
  const name = `forkexec #${++count}`;
  const command = quoteCommand(file, args);
  const begun = now();
  let ready = begun;
  const since = (then: number): string => ms((now() - then) * 1000);
  return {
    compiled: () => {
      ready = now();
    },
    launched: (pid) => {
      const compile = ms((ready - begun) * 1000);
      write(`${name}: pid ${pid}: ${command} (prepared in ${compile}, running in ${since(ready)})`);
    },
    failed: (error) => {
      write(`${name}: ${error instanceof Error ? error.message : error} (after ${since(begun)})`);
    },
    exited: (status) => {
      const { userTime, systemTime, wallTime } = status.usage;
      const used = `${ms(wallTime)}, user ${ms(userTime)}, system ${ms(systemTime)}`;
      write(`${name}: ${status} after ${used}`);
    },
  };
}
