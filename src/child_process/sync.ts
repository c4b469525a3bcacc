/**
 * Takes over how a program is run while the event loop waits.
 *
 * @module
 */
import { loadCore, requireCore } from './load.js';
import type { SyncBinding } from './node.js';
import type { SyncOptions } from './request.js';
import { isOurs, type State } from './state.js';

interface Permission {
  permission?: { has(scope: string): boolean };
}

/** Puts this library's `spawn` in place of Node's; other runs go on to Node's. */
export function takeOverSync(binding: SyncBinding, state: State): void {
  const original = binding.spawn;
  binding.spawn = function spawn(options) {
    const permitted = (process as Permission).permission?.has('child') !== false;
    const forkexec = state.call?.forkexec;
    const known = Array.isArray((options as Partial<SyncOptions>).stdio);
    const ours = known && permitted && isOurs(state);
    const core = ours ? (forkexec === undefined ? loadCore() : requireCore()) : undefined;
    if (core === undefined) return Reflect.apply(original, binding, [options]);
    return core.runSync(options as SyncOptions, forkexec);
  };
}
