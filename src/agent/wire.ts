/**
 * Statuses and errors on their way from an agent.
 *
 * @module
 */
import { LaunchError } from '../launch/error.js';
import type { StepName } from '../launch/order.js';
import { type ExitReason, ExitStatus, unknownUsage } from '../process/status.js';
import { CLD } from '../syscall/constants.js';
import { findSignal } from '../syscall/signals.js';
import type { WireFailure, WireStatus } from './protocol.js';

export function statusToWire(status: ExitStatus): WireStatus {
  const { code, coreDumped, reason, usage, held } = status;
  const signal = status.signal === null ? 0 : (findSignal(status.signal) as number);
  return { code, signal, coreDumped, reason, usage, held };
}

export function statusFromWire(wire: WireStatus): ExitStatus {
  const { code, signal, coreDumped, held } = wire;
  let how: number = CLD.CLD_EXITED;
  if (signal > 0) how = coreDumped ? CLD.CLD_DUMPED : CLD.CLD_KILLED;
  else if (code === null) how = 0;
  // JSON leaves out what is not known.
  const usage = { ...unknownUsage(), ...wire.usage };
  return new ExitStatus(how, code ?? signal, usage, wire.reason as ExitReason, held);
}

/** The status of a job that ended with its slot. */
export function lostStatus(): ExitStatus {
  return new ExitStatus(0, 0, unknownUsage(), 'lost');
}

export function failureToWire(error: unknown): WireFailure {
  if (error instanceof LaunchError) {
    const { name, message, code, step, argument, errno, searched } = error;
    return { name, message, code, launch: { step, argument, errno, searched } };
  }
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { name, message, code } = error as Error & { code?: string };
  return { name, message, code };
}

/** The error as the agent threw it. */
export function failureFromWire(
  failure: WireFailure,
  file: string,
  args: readonly string[],
): Error {
  const { name, message, code, launch } = failure;
  if (launch === undefined) {
    const kinds: Record<string, ErrorConstructor> = { TypeError, RangeError };
    const Kind = kinds[name] ?? Error;
    return Object.assign(new Kind(message), code === undefined ? {} : { code });
  }
  const step = { name: launch.step as StepName, argument: launch.argument };
  const error = new LaunchError(step, launch.errno, file, args, launch.searched);
  // The other system may number errors differently, and knows more of its files.
  return Object.assign(error, { message, code });
}
