/**
 * Options that a system does not have, refused by name before anything is started.
 *
 * @module
 */
import { backend } from '../backend.js';
import { unavailable } from '../syscall/check.js';
import { type LaunchOptions, order } from './order.js';

const system = backend === 'posix' && process.platform === 'linux' ? 'posix' : process.platform;

const missing = new Set<string>();
for (const { on, options } of order) {
  if (on === 'all' || on.includes(system as (typeof on)[number])) continue;
  for (const option of options) missing.add(option);
}

/** Whether this system can carry out an option at all. */
export function isAvailable(option: keyof LaunchOptions): boolean {
  return !missing.has(option);
}

/** Refuses an option that this system does not have. */
export function checkAvailable(options: LaunchOptions): void {
  if (missing.size === 0) return;
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined || value === false || !missing.has(option)) continue;
    throw unavailable(`The option '${option}'`);
  }
}
