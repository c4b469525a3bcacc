/**
 * What this process and this system allow a sandbox.
 *
 * @module
 */
import { ownSets } from '../launch/capability-sets.js';
import { LaunchError } from '../launch/error.js';
import { getgid, getuid } from '../launch/values.js';
import { startProcessSync } from '../process/start.js';
import { attempt } from '../syscall/call.js';
import { CAP } from '../syscall/constants.js';
import type { SpawnOptions } from './options.js';

let refusal: string | null | undefined;

/** Why namespaces and mounts are not to be had; undefined if they are. Found out once, by trying. */
export function namespacesRefusal(): string | undefined {
  if (refusal !== undefined) return refusal ?? undefined;
  refusal = 'the trial ran a program';
  try {
    // In a root without a program nothing but execve fails.
    const mounts = [{ directory: '/none' }];
    startProcessSync('/none/program', ['none'], { mounts, namespaces: namespacesOf(false) });
  } catch (error) {
    if (!(error instanceof LaunchError)) throw error;
    const { step, code } = error;
    refusal = step === 'execve' ? null : `${step} is refused with ${code}`;
    const isMount = ['mount', 'move_mount', 'pivot_root', 'umount2'].includes(step);
    if (refusal !== null && isMount && code === 'EPERM') {
      refusal += ', as where a Landlock domain is inherited';
    }
  }
  return refusal ?? undefined;
}

export function isRoot(): boolean {
  return getuid() === 0;
}

/** Users that are not root need a namespace for the right to mount. */
export function namespacesOf(network: boolean): NonNullable<SpawnOptions['namespaces']> {
  const common = { mount: true, ipc: true, uts: true, ...(network ? { net: true } : {}) };
  if (isRoot()) return common;
  const own = (id: number) => [{ inside: id, outside: id, count: 1 }];
  return { user: true, uidMap: own(getuid()), gidMap: own(getgid()), ...common };
}

/** What root keeps: to own files of other users, and no more. */
export const ROOT_KEEPS = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_SETGID',
  'CAP_SETUID',
] as const;

/** Whether this thread may take capabilities from a child: CAP_SETPCAP. */
export function canDropCapabilities(): boolean {
  try {
    return ((ownSets().effective >> BigInt(CAP.CAP_SETPCAP)) & 1n) === 1n;
  } catch {
    return false; // a filter refuses capget(2): then it can't be told
  }
}

/** The most processors that Linux can be built for, as bits. */
const AFFINITY_BYTES = 8192 / 8;

/** The processors that this thread may use: a cpuset may leave out the first ones. */
export function usableCpus(): number[] {
  const mask = new Uint8Array(AFFINITY_BYTES);
  const size = attempt('sched_getaffinity', 0, mask.length, mask);
  const cpus = Array.from({ length: mask.length * 8 }, (_, cpu) => cpu);
  // A filter may refuse the call: the kernel takes what there is of all.
  if (size <= 0) return cpus;
  return cpus.filter((cpu) => ((mask[cpu >> 3] as number) >> (cpu & 7)) & 1);
}
