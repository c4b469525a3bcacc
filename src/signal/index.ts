/**
 * Signals of this process: their senders, their dispositions, and those that were inherited.
 *
 * @module
 */
export type { Signal, SignalName } from '../syscall/signals.js';
export { abortOn, type SignalAbort, SignalError } from './abort.js';
export { block, ignore, ignored, mask, reset, unblock } from './disposition.js';
export { type Inherited, inherited } from './inherited.js';
export { notify, type SignalInfo, type SignalStream } from './notify.js';
export { type DefaultAction, type SignalEntry, type SignalPolicy, table } from './table.js';
