/**
 * One process: starting it, signalling it, awaiting it.
 *
 * @module
 */
export { LaunchError } from '../launch/error.js';
export type { LaunchOptions, StepName } from '../launch/order.js';
export { SystemError } from '../syscall/errors.js';
export type { Signal, SignalName } from '../syscall/signals.js';
export { type ExecOptions, exec } from './exec.js';
export { explain } from './explain.js';
export { flushed } from './flush.js';
export { Process } from './process.js';
export type { Scope } from './scope.js';
export { type ProcessAttributes, startProcess, startProcessSync } from './start.js';
export { type ExitReason, ExitStatus, type ResourceUsage } from './status.js';
export {
  type Registers,
  Trace,
  type TraceEvent,
  type TraceOption,
  type TraceStop,
  trace,
} from './trace.js';
