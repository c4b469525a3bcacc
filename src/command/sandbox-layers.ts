/**
 * What follows from the policy of a sandbox and the paths that it lists: worked out once for each.
 *
 * @module
 */
import { existsSync, realpathSync } from 'node:fs';
import type { LandlockPolicy } from '../sandbox/landlock-policy.js';
import { absenceOf, landlockAbi } from '../sandbox/landlock-rights.js';
import type { MountEntry } from '../sandbox/mount-entries.js';
import type { SandboxOptions } from '../sandbox/options.js';
import type { SandboxLayer } from '../sandbox/report.js';
import { refused } from '../syscall/check.js';
import { mountsOf, rootLinks } from './sandbox-mounts.js';
import { covers, type Listed, listed, RESOLVER } from './sandbox-paths.js';

/** The paths of a policy, and what it does with sockets. */
export interface Policy {
  readonly read: readonly Listed[];
  readonly write: readonly Listed[];
  readonly network: SandboxOptions['network'];
  readonly sockets: 'none' | 'ports' | 'ports and datagrams' | 'all';
}

function socketsOf(network: SandboxOptions['network']): Policy['sockets'] {
  if (network === false) return 'none';
  if (typeof network !== 'object') return 'all';
  return network.connect?.includes(53) ? 'ports and datagrams' : 'ports';
}

/** The policy of a sandbox now: links of the system may lead elsewhere at the next launch. */
export function policyOf({
  read: readable,
  write: writable,
  network = false,
}: SandboxOptions): Policy {
  const write = listed('write', writable);
  const read = listed('read', readable);
  if (network !== false && network !== 'loopback') {
    for (const path of RESOLVER.filter(existsSync)) {
      const real = realpathSync.native(path);
      // What may be written may be read: a rule of its own would make it read-only.
      if (!covers(write, real)) read.push({ option: 'sandbox.network', path, real });
    }
  }
  return { read, write, network, sockets: socketsOf(network) };
}

/** What enforces a policy. Does not change, and is shared by all launches with this policy. */
export interface Enforced {
  /** The option that only mounts can enforce: a path that may only be read in a tree that may be written. */
  readonly needsMounts: string | undefined;
  readonly landlock: LandlockPolicy | undefined;
  readonly mounts: readonly MountEntry[] | undefined;
  readonly layers: readonly SandboxLayer[];
}

const told = (restricts: string, reason: string): SandboxLayer => {
  return { layer: 'landlock', restricts, holds: false, reason };
};

/** Files and ports are one layer: a second one would deny moves between directories. */
function landlockOf(
  { read, write, network, sockets }: Policy,
  namespaces: boolean,
  layers: SandboxLayer[],
): LandlockPolicy | undefined {
  const abi = landlockAbi();
  const ports = typeof network === 'object' ? network : undefined;
  if (abi < 0) {
    if (!namespaces || ports !== undefined) {
      throw refused('sandbox', `cannot be enforced on this system: ${absenceOf(-abi)}`);
    }
    layers.push(told('signals and abstract sockets', absenceOf(-abi)));
    return undefined;
  }
  const landlock: LandlockPolicy = {};
  if (!namespaces) {
    landlock.write = write.map(({ path }) => path);
    landlock.read = [...read.map(({ path }) => path), ...landlock.write];
    landlock.execute = landlock.read;
    if (abi < 9) {
      const why = `Landlock ABI ${abi} of this kernel does not restrict connecting to them`;
      layers.push(told('unix sockets with a path', why));
    }
  }
  if (ports !== undefined) {
    landlock.connect = [...(ports.connect ?? [])];
    landlock.bind = [...(ports.bind ?? [])];
    if (sockets === 'ports and datagrams') {
      layers.push(told('datagrams', 'port 53 is for them, and others pass too'));
    }
  } else if (network === false && abi >= 4) {
    Object.assign(landlock, { connect: [], bind: [] });
  }
  if (abi >= 6) landlock.scope = ['signal', 'abstractUnixSocket'];
  else {
    const why = `Landlock ABI ${abi} of this kernel does not restrict them`;
    layers.push(told('signals and abstract sockets', why));
  }
  if (Object.keys(landlock).length === 0) return undefined;
  for (const value of Object.values(landlock)) Object.freeze(value);
  return Object.freeze(landlock);
}

function needsMounts({ read, write }: Policy): string | undefined {
  const isSame = (path: string): boolean => write.some(({ real }) => real === path);
  return read.find(({ real }) => covers(write, real) && !isSame(real))?.option;
}

const known = new Map<string, Enforced>();

/** Policies that are remembered; a program has few, unless it makes folders for each launch. */
const MOST_KNOWN = 64;

/** What enforces a policy, with mounts or without. */
export function enforce(policy: Policy, namespaces: boolean): Enforced {
  const { read, write, network } = policy;
  const links = namespaces ? rootLinks() : [];
  const key = JSON.stringify([namespaces, links, network, read, write]);
  const before = known.get(key);
  if (before !== undefined) return before;
  const layers: SandboxLayer[] = [];
  const enforced = {
    needsMounts: needsMounts(policy),
    landlock: landlockOf(policy, namespaces, layers),
    mounts: namespaces ? mountsOf(read, write, links) : undefined,
    layers,
  };
  if (known.size === MOST_KNOWN) known.clear();
  known.set(key, enforced);
  return enforced;
}
