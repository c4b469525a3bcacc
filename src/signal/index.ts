/**
 * Signals of this process: who sent them, which are ignored, and what it was started with.
 *
 * @module
 */
export type { Signal, SignalName } from '../syscall/signals.js';
export { abortOn, type SignalAbort, SignalError } from './abort.js';
export { block, ignore, ignored, mask, reset, unblock } from './disposition.js';
export { type Inherited, inherited } from './inherited.js';
export { notify, type SignalInfo, type SignalStream } from './notify.js';
export { type DefaultAction, type SignalEntry, type SignalPolicy, table } from './table.js';
