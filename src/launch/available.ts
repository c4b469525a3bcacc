/**
 * Options that a system does not have, refused by name before anything is started.
 *
 * @module
 */
import { backend } from '../backend.js';
import { unavailable } from '../syscall/check.js';
import type { LaunchOptions } from './order.js';

/** What only Linux has, or what the portable backend does not use of it. */
const LINUX_ONLY = [
  'parentDeathSignal',
  'oomScoreAdj',
  'cpuAffinity',
  'scheduler',
  'ioPriority',
  'noNewPrivileges',
  'capabilities',
  'securebits',
  'namespaces',
  'cgroup',
] as const satisfies readonly (keyof LaunchOptions)[];

/** FreeBSD's procctl(2) has it. */
const HAS_PARENT_DEATH_SIGNAL = process.platform === 'freebsd';

const missing = new Set<string>(
  backend === 'linux'
    ? []
    : LINUX_ONLY.filter((name) => name !== 'parentDeathSignal' || !HAS_PARENT_DEATH_SIGNAL),
);

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
