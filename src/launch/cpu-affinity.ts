import { checkInteger, invalid } from '../syscall/check.js';
import { SYS } from '../syscall/constants.js';
import type { Attribute } from './attribute.js';
import { toList, toNumber } from './values.js';

/** The CPUs that the process may run on. */
export interface CpuAffinityOptions {
  /**
   * The CPUs that the process may run on, by number from 0: sched_setaffinity(2). The kernel leaves
   * out CPUs that do not exist or that the cpuset(7) of the process does not permit; EINVAL if none
   * is left. Default: those of the thread that launches, which are those that this process had at
   * its first launch; see `nice`.
   */
  cpuAffinity?: readonly number[] | undefined;
}

/** No kernel is built for more. */
const MAX_CPUS = 8192;

export const cpuAffinity: Attribute<CpuAffinityOptions, ['sched_setaffinity']> = {
  options: ['cpuAffinity'],
  steps: ['sched_setaffinity'],
  on: ['linux'],
  check({ cpuAffinity: cpus }) {
    if (cpus === undefined) return;
    if (!Array.isArray(cpus) || cpus.length === 0) {
      throw invalid('cpuAffinity', cpus, 'an array of at least one CPU number');
    }
    for (const [index, cpu] of (cpus as readonly number[]).entries()) {
      checkInteger(`cpuAffinity[${index}]`, cpu, 0, MAX_CPUS - 1);
    }
  },
  emit(program, { options: { cpuAffinity: cpus } }) {
    if (cpus === undefined) return;
    const mask: bigint[] = [];
    for (const cpu of cpus) {
      const word = Math.floor(cpu / 64);
      while (mask.length <= word) mask.push(0n);
      mask[word] = (mask[word] as bigint) | (1n << BigInt(cpu % 64));
    }
    const step = { name: 'sched_setaffinity', argument: cpus.join() } as const;
    program.must(step, SYS.sched_setaffinity, 0, mask.length * 8, program.words(mask));
  },
  flags: [
    {
      flags: '--cpu-affinity <cpus>',
      description: 'the CPUs it may run on: 0,2 or 0-3',
      apply: (_, value) => ({ cpuAffinity: toList(value).flatMap(toRange) }),
    },
  ],
  trials: () => ({
    cpuAffinity: [{ options: { cpuAffinity: Array.from({ length: 1024 }, (_, cpu) => cpu) } }],
  }),
};

/** `2`, or `0-3`; NaN, which the check refuses, for what is neither. */
function toRange(text: string): number[] {
  const [first = Number.NaN, last = first] = text.split('-').map(toNumber);
  if (!(first <= last)) return [Number.NaN];
  // A last one that can't be is left to the check, and not counted up to.
  if (last >= MAX_CPUS) return [last];
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
