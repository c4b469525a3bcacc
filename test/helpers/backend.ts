// What tests need of the backend that they run on. Both throw what `test` skips the rest for: the
// library's own word for what it does not have.

import { backend } from '#dist/backend.js';
import { checkAvailable } from '#dist/launch/available.js';
import type { LaunchOptions } from '#dist/launch/order.js';
import { unavailable } from '#dist/syscall/check.js';

/** For a test whose options are taken by a process of its own, where `test` does not see the error. */
export function needsOption(option: keyof LaunchOptions): void {
  checkAvailable({ [option]: true } as LaunchOptions);
}

/** For a test of what Linux alone has, by system calls that the portable backend does not make. */
export function needsLinux(what: string): void {
  if (backend !== 'linux') throw unavailable(what);
}
