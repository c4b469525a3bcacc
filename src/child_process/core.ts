/**
 * The half of this module that needs the addon: it is loaded by the first launch.
 *
 * @module
 */
import { native } from '../native.js';

export { checkOptions } from './forkexec-option.js';
export { type Running, start } from './launch.js';
export { runSync } from './run-sync.js';

/** Throws the reason where the addon cannot be loaded. */
export function loadAddon(): void {
  native.monotonicTime();
}
