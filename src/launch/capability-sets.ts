/**
 * Sets of capabilities: the names, those this thread has, and how the kernel takes them.
 *
 * @module
 */
import { attempt, call } from '../syscall/call.js';
import { invalid } from '../syscall/check.js';
import { CAP, CAP_VERSION, PR } from '../syscall/constants.js';

/** As capabilities(7) names them: `'CAP_NET_ADMIN'`. */
export type CapabilityName = keyof typeof CAP;

/** Bit n is capability n. */
export type CapabilitySet = bigint;

/** The three sets that capget(2) and capset(2) know. */
export interface CapabilitySets {
  readonly effective: CapabilitySet;
  readonly permitted: CapabilitySet;
  readonly inheritable: CapabilitySet;
}

const LOW = 0xffff_ffffn;

export function checkCapabilities(option: string, value: unknown): CapabilitySet {
  if (!Array.isArray(value)) throw invalid(option, value, 'an array of capability names');
  let set = 0n;
  for (const [index, name] of (value as unknown[]).entries()) {
    if (typeof name !== 'string' || !Object.hasOwn(CAP, name)) {
      throw invalid(`${option}[${index}]`, name, "a capability, such as 'CAP_NET_ADMIN'");
    }
    set |= 1n << BigInt(CAP[name as CapabilityName]);
  }
  return set;
}

/** A capability as people write it on a command line: `net_admin`, `CAP_NET_ADMIN`. */
export function toCapability(text: string): CapabilityName {
  const name = text.toUpperCase();
  return (name.startsWith('CAP_') ? name : `CAP_${name}`) as CapabilityName;
}

/** The numbers in a set, in order. */
export function membersOf(set: CapabilitySet): number[] {
  const members: number[] = [];
  for (let number = 0; set >> BigInt(number) !== 0n; number++) {
    if ((set >> BigInt(number)) & 1n) members.push(number);
  }
  return members;
}

let names: ReadonlyMap<number, string> | undefined;

/** One that is newer than the headers has no name. */
export function capabilityName(number: number): string {
  names ??= new Map(Object.entries(CAP).map(([name, value]) => [value, name]));
  return names.get(number) ?? `capability ${number}`;
}

/** Names for an error, `'CAP_CHOWN,CAP_KILL'`. */
export function describe(set: CapabilitySet): string {
  return membersOf(set).map(capabilityName).join();
}

/** `struct __user_cap_header_struct`, for the calling thread. */
export function headerWords(): bigint[] {
  return [BigInt(CAP_VERSION._LINUX_CAPABILITY_VERSION_3)];
}

/** Two of `struct __user_cap_data_struct`: the low halves of the three sets, then the high ones. */
export function setWords({ effective, permitted, inheritable }: CapabilitySets): bigint[] {
  return [
    (effective & LOW) | ((permitted & LOW) << 32n),
    (inheritable & LOW) | ((effective >> 32n) << 32n),
    (permitted >> 32n) | ((inheritable >> 32n) << 32n),
  ];
}

/** Made at the first use: a system without capabilities has no version of them. */
let ownHeader: BigUint64Array | undefined;
const ownWords = new BigUint64Array(3);

/** What this thread has: capget(2). */
export function ownSets(): CapabilitySets {
  ownHeader ??= new BigUint64Array(headerWords());
  call('capget', ownHeader, ownWords);
  const [first, second, third] = ownWords as unknown as [bigint, bigint, bigint];
  return {
    effective: (first & LOW) | ((second >> 32n) << 32n),
    permitted: (first >> 32n) | ((third & LOW) << 32n),
    inheritable: (second & LOW) | ((third >> 32n) << 32n),
  };
}

let known: CapabilitySet | undefined;

/** All capabilities that the kernel knows. */
export function knownCapabilities(): CapabilitySet {
  known ??= boundingSet().known;
  return known;
}

/**
 * The capabilities that this thread's bounding set has: `present`; and all that the kernel knows.
 */
export function boundingSet(): { present: CapabilitySet; known: CapabilitySet } {
  let present = 0n;
  let known = 0n;
  for (let number = 0; number < 64; number++) {
    const has = attempt('prctl', PR.PR_CAPBSET_READ, number, 0, 0, 0);
    if (has < 0) break; // past the last one
    known |= 1n << BigInt(number);
    if (has === 1) present |= 1n << BigInt(number);
  }
  return { present, known };
}

/** The ambient set of this thread. */
export function ambientSet(): CapabilitySet {
  let set = 0n;
  for (let number = 0; number < 64; number++) {
    const { PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET } = PR;
    const has = attempt('prctl', PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, number, 0, 0);
    if (has < 0) break;
    if (has === 1) set |= 1n << BigInt(number);
  }
  return set;
}
