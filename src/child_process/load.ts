/**
 * Loads the half of this module that needs the addon.
 *
 * @module
 */
import { createRequire } from 'node:module';
import type * as core from './core.js';

type Core = typeof core;

let loaded: Core | undefined;
let refusal: Error | undefined;

/** It is in the one file with everything else of this library. */
function load(): Core {
  return createRequire(import.meta.url)('./core.js') as Core;
}

/**
 * Undefined where the addon cannot be loaded: then Node's own functions launch, and a warning says
 * why, once. Node refuses addons with --permission, unless there is --allow-addons too.
 */
export function loadCore(): Core | undefined {
  if (loaded !== undefined || refusal !== undefined) return loaded;
  try {
    const core = load();
    core.loadAddon();
    loaded = core;
  } catch (error) {
    refusal = error as Error;
    const { code, message } = refusal as Error & { code?: string };
    const why =
      code === 'ERR_DLOPEN_DISABLED' ? 'addons are not allowed (--allow-addons)' : message;
    process.emitWarning(`Node's own child_process is used: ${why}`, {
      type: 'ForkexecWarning',
      code: 'FORKEXEC_NO_ADDON',
    });
  }
  return loaded;
}

/** As `loadCore`, for what only this library can do. */
export function requireCore(): Core {
  const core = loadCore();
  if (core === undefined) throw refusal as Error;
  return core;
}
