/**
 * How a job ended, as GNU parallel writes it and counts it.
 *
 * @module
 */
import type { ExitStatus } from '../../process/status.js';
import { findSignal } from '../../syscall/signals.js';

/** How a try of a job ended, as GNU parallel writes it. */
export interface End {
  readonly exitval: number;
  readonly signal: number;
  /** Its slot was lost. */
  readonly lost?: { readonly company: boolean };
  readonly message?: string;
  /** Some of its output could not be kept. */
  readonly isCut?: boolean;
}

export function endOf(status: ExitStatus): End {
  const signal = status.signal === null ? 0 : (findSignal(status.signal) as number);
  if (status.reason === 'timeout') return { exitval: -1, signal: signal || 15 };
  return { exitval: status.code ?? 0, signal };
}

export const hasFailed = ({ exitval, signal }: End): boolean => exitval !== 0 || signal !== 0;

/** The exit code that stands for one job. */
export function codeOf({ exitval, signal }: End): number {
  return exitval !== 0 ? exitval & 0xff : signal === 0 ? 0 : 128 + signal;
}

/** More failures are not told apart. */
export const MOST_FAILURES = 101;

export const BAD = 255;
