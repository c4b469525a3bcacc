/**
 * Why a process ended, where its status says less than is known.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import type { Launch } from '../launch/attribute.js';
import { candidatesOf, searchPath } from '../launch/image.js';
import type { LaunchOptions } from '../launch/order.js';
import { machineAt } from '../launch/reason.js';
import { filtersOf } from '../launch/seccomp.js';
import { OWN_ARCHITECTURE, type SeccompFilter } from '../sandbox/seccomp-filter.js';
import { invalid } from '../syscall/check.js';
import type { ExitStatus, ResourceUsage } from './status.js';

/** By what every form of a status shares. */
const launches = new WeakMap<ResourceUsage, Launch<LaunchOptions>>();

/** Keeps how a process was launched, for `explain`. */
export function remember(status: ExitStatus, launch: Launch<LaunchOptions>): void {
  if (launch.options.seccomp !== undefined) launches.set(status.usage, launch);
}

const FATAL: readonly unknown[] = ['kill', 'killThread', 'trap'];

/** The calls that end a process, and whether others do too. */
function fatalCalls(filters: readonly SeccompFilter[]): { calls: string[]; others: boolean } {
  const calls = new Set<string>();
  let others = false;
  for (const { rules, default: otherwise, unknown } of filters) {
    others ||= FATAL.includes(otherwise) || FATAL.includes(unknown);
    for (const rule of rules) {
      if (!FATAL.includes(rule.action)) continue;
      for (const call of rule.calls) calls.add(call);
    }
  }
  return { calls: [...calls], others };
}

function isForI386({ file, options, search }: Launch<LaunchOptions>): boolean {
  const paths = search ? candidatesOf(file, searchPath(options)) : [file];
  const path = paths.find(existsSync);
  return path !== undefined && machineAt(path) === 'i386';
}

function explainFilter(launch: Launch<LaunchOptions>): string {
  const filters = filtersOf(launch.options.seccomp ?? []);
  const allows = (name: string): boolean => {
    return filters.every(({ architectures = [OWN_ARCHITECTURE] }) => {
      return (architectures as readonly string[]).includes(name);
    });
  };
  const start = 'The seccomp filter ended the process with SIGSYS:';
  if (OWN_ARCHITECTURE === 'x86_64' && isForI386(launch) && !allows('i386')) {
    return `${start} foreign architecture i386, which is not among its architectures.`;
  }
  const { calls, others } = fatalCalls(filters);
  const foreign = 'a call of a foreign architecture';
  if (others) {
    return `${start} it made a call that the filter does not list, or ${foreign}. strace(1) shows which.`;
  }
  if (calls.length === 0) return `${start} it made ${foreign}.`;
  if (calls.length === 1) return `${start} it called ${calls[0]}.`;
  return `${start} it called one of ${calls.join(', ')}. The kernel does not report which.`;
}

/**
 * Why a process ended, in a sentence, where more is known than its status says: which system call of a
 * filter of the option `seccomp` ended it with SIGSYS. The kernel does not report the call, so where
 * several calls end the process, all are named. Undefined if nothing more is known.
 */
export function explain(status: ExitStatus): string | undefined {
  if (typeof status !== 'object' || status === null)
    throw invalid('status', status, 'an ExitStatus');
  if (status.signal !== 'SIGSYS') return undefined;
  const launch = launches.get(status.usage);
  return launch === undefined ? undefined : explainFilter(launch);
}
