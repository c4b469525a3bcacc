/**
 * Filters with a name.
 *
 * @module
 */
import { CLONE, SOCK } from '../syscall/constants.js';
import type { SeccompFilter, SeccompRule } from './seccomp-filter.js';

/** Filters that need no rules: what Docker refuses; no network; no network and no new processes. */
export type SeccompProfile = 'container' | 'compute' | 'no-network';

/** New namespaces, which clone(2) takes in the low half of its flags. */
const NEW_NAMESPACES =
  CLONE.CLONE_NEWNS |
  CLONE.CLONE_NEWCGROUP |
  CLONE.CLONE_NEWUTS |
  CLONE.CLONE_NEWIPC |
  CLONE.CLONE_NEWUSER |
  CLONE.CLONE_NEWPID |
  CLONE.CLONE_NEWNET;

const list = (text: string): readonly string[] => text.trim().split(/\s+/);

/** ENOSYS, so that a C library takes the call that came before it, whose flags a filter can see. */
const OLD_CLONE: SeccompRule = { calls: ['clone3'], action: { errno: 'ENOSYS' } };

/** It can do what a filter refuses to calls, such as opening sockets. */
const NO_IO_URING: SeccompRule = {
  calls: ['io_uring_setup', 'io_uring_enter', 'io_uring_register'],
  action: 'errno',
};

const isEqual = (index: number, value: number) => ({ index, op: 'eq', value, bits: 32 }) as const;

/** What Docker's default profile refuses to a container without further capabilities. */
const CONTAINER: readonly SeccompRule[] = [
  OLD_CLONE,
  NO_IO_URING,
  {
    calls: ['clone'],
    arguments: [{ index: 0, op: 'ne', value: 0, mask: NEW_NAMESPACES, bits: 32 }],
    action: 'errno',
  },
  // All but Linux, Linux with short inodes or without a random layout, and asking what it is.
  ...[0x0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff].map(
    (value): SeccompRule => ({
      calls: ['personality'],
      arguments: [isEqual(0, value)],
      action: 'allow',
    }),
  ),
  ...[SOCK.AF_VSOCK, SOCK.AF_ALG].map(
    (family): SeccompRule => ({
      calls: ['socket'],
      arguments: [isEqual(0, family)],
      action: { errno: 'EAFNOSUPPORT' },
    }),
  ),
  {
    action: 'errno',
    calls: list(`
      acct add_key bpf clock_adjtime clock_adjtime64 clock_settime clock_settime64 create_module
      delete_module fanotify_init finit_module fsconfig fsmount fsopen fspick get_kernel_syms
      get_mempolicy init_module ioperm iopl kcmp kexec_file_load kexec_load keyctl listmount
      lookup_dcookie mbind migrate_pages mount mount_setattr move_mount move_pages nfsservctl
      open_by_handle_at open_tree open_tree_attr perf_event_open personality pidfd_getfd pivot_root
      process_madvise query_module quotactl quotactl_fd reboot request_key set_mempolicy
      set_mempolicy_home_node setdomainname sethostname setns settimeofday statmount stime swapoff
      swapon _sysctl sysfs syslog umount umount2 unshare uselib userfaultfd ustat vhangup vm86
      vm86old`),
  },
];

/**
 * Sockets of the kind that programs use with their own children are let through, and no others: not
 * connect, send or shutdown, which serve those too.
 */
const NO_NETWORK: readonly SeccompRule[] = [
  NO_IO_URING,
  { calls: ['socket'], arguments: [isEqual(0, SOCK.AF_UNIX)], action: 'allow' },
  { calls: ['socket', 'socketcall'], action: { errno: 'EAFNOSUPPORT' } },
];

/** Threads are let through. */
const NO_PROCESSES: readonly SeccompRule[] = [
  OLD_CLONE,
  {
    calls: ['clone'],
    arguments: [
      {
        index: 0,
        op: 'eq',
        value: CLONE.CLONE_THREAD,
        mask: CLONE.CLONE_THREAD | NEW_NAMESPACES,
        bits: 32,
      },
    ],
    action: 'allow',
  },
  { calls: ['clone', 'fork', 'vfork'], action: 'errno' },
];

const NEWER = { unknown: { errno: 'ENOSYS' } } as const;

const PROFILES: Readonly<Record<SeccompProfile, SeccompFilter>> = {
  container: { rules: CONTAINER, ...NEWER },
  compute: { rules: [...NO_NETWORK, ...NO_PROCESSES, ...CONTAINER], ...NEWER },
  'no-network': { rules: NO_NETWORK, ...NEWER },
};

export const PROFILE_NAMES: readonly SeccompProfile[] = ['container', 'compute', 'no-network'];

/** Whether a filter is one of this library: it needs no check, and never changes. */
export function isOwnFilter(filter: SeccompFilter): boolean {
  return [...Object.values(PROFILES), ...SANDBOXES.values()].includes(filter);
}

export function profileOf(name: SeccompProfile): SeccompFilter {
  return PROFILES[name];
}

/** Puts characters into the input of a terminal, as if its user had typed them. */
const NO_TYPING: readonly SeccompRule[] = [0x5412, 0x541c].map((request) => ({
  calls: ['ioctl'],
  arguments: [isEqual(1, request)],
  action: 'errno',
}));

/** An affinity that the program cannot widen again. */
const NO_AFFINITY: SeccompRule = { calls: ['sched_setaffinity'], action: 'errno' };

const ofType = (type: number) =>
  ({ index: 1, op: 'eq', value: type, mask: 0xf, bits: 32 }) as const;

/** Sockets of TCP, which Landlock restricts; and of UDP, which it does not. */
function portRules(datagrams: boolean): SeccompRule[] {
  const rules: SeccompRule[] = [{ ...(NO_NETWORK[1] as SeccompRule) }];
  for (const family of [SOCK.AF_INET, SOCK.AF_INET6]) {
    for (const protocol of [0, 6]) {
      const given = [isEqual(0, family), ofType(SOCK.SOCK_STREAM), isEqual(2, protocol)];
      rules.push({ calls: ['socket'], arguments: given, action: 'allow' });
    }
    if (!datagrams) continue;
    const given = [isEqual(0, family), ofType(SOCK.SOCK_DGRAM)];
    rules.push({ calls: ['socket'], arguments: given, action: 'allow' });
  }
  return [...rules, NO_NETWORK[2] as SeccompRule];
}

const SANDBOXES = new Map<string, SeccompFilter>();

/**
 * The filter of a sandbox; the same object for the same policy, so that it is compiled once. `keepsCpus`:
 * the processors it was given are those it keeps.
 */
export function sandboxFilter(
  network: 'none' | 'ports' | 'ports and datagrams' | 'all',
  keepsCpus: boolean,
): SeccompFilter {
  const key = `${network} ${keepsCpus}`;
  const known = SANDBOXES.get(key);
  if (known !== undefined) return known;
  let rules: readonly SeccompRule[] = [];
  if (network === 'none') rules = NO_NETWORK;
  else if (network !== 'all') rules = portRules(network === 'ports and datagrams');
  if (keepsCpus) rules = [...rules, NO_AFFINITY];
  const filter = { rules: [...rules, ...NO_TYPING, ...CONTAINER], ...NEWER };
  SANDBOXES.set(key, filter);
  return filter;
}
