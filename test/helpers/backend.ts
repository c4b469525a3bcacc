// What the tests need of the backend that they run on.

import { backend } from '#dist/backend.js';
import { isAvailable } from '#dist/launch/available.js';
import type { LaunchOptions } from '#dist/launch/order.js';

/** Why a test of these options can't run here, or false. */
export function lacking(...options: (keyof LaunchOptions)[]): string | false {
  const missing = options.filter((option) => !isAvailable(option));
  return missing.length === 0 ? false : `the backend ${backend} has no ${missing.join(', ')}`;
}

/** Why a test of what only system calls can do can't run here, or false. */
export function lackingCalls(what: string): string | false {
  return backend === 'linux' ? false : `the backend ${backend} has no ${what}`;
}
