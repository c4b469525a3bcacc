import { invalid, refused } from '../syscall/check.js';
import { CAP, PR, SECBIT, SYS } from '../syscall/constants.js';
import type { Attribute, Flag } from './attribute.js';
import {
  ambientSet,
  boundingSet,
  type CapabilityName,
  type CapabilitySet,
  type CapabilitySets,
  capabilityName,
  checkCapabilities,
  describe,
  headerWords,
  knownCapabilities,
  membersOf,
  ownSets,
  setWords,
  toCapability,
} from './capability-sets.js';
import { type CredentialOptions, identityOf } from './credential.js';
import { type NamespaceOptions, privileged } from './namespaces.js';
import type { ProgramBuilder } from './program.js';
import { checkKeys, toList } from './values.js';

export type SecurebitName = keyof typeof SECBIT;

/** The process gets exactly the sets that are given; the others do not change. */
export interface Capabilities {
  /**
   * The capabilities that the process and its descendants can ever get. All others are dropped from
   * the bounding set; capabilities that this process lacks are not added. Needs CAP_SETPCAP,
   * otherwise EPERM at `PR_CAPBSET_DROP`.
   */
  bounding?: readonly CapabilityName[];
  /**
   * Capabilities for programs whose files have the same inheritable capabilities. The `ambient`
   * ones are added. EPERM at `capset` for a capability that this process does not have.
   */
  inheritable?: readonly CapabilityName[];
  /**
   * Capabilities that the program has even if its user is not root and its file has no
   * capabilities: Linux 4.3. EPERM at `capset` or `PR_CAP_AMBIENT_RAISE` for a capability that this
   * process does not have. A program that is set-user-ID or set-group-ID, or has file capabilities,
   * starts without them.
   */
  ambient?: readonly CapabilityName[];
}

/** Capabilities of the process. */
export interface CapabilityOptions {
  /**
   * Capabilities by name: capabilities(7). execve(2) computes from them what the program gets: a
   * user that is not root gets the ambient capabilities; root gets all that the bounding set
   * permits, unless `securebits` changes that. With a `credential`, they apply to the new user.
   * Default: the capabilities that execve gives to a child of this process.
   */
  capabilities?: Capabilities | undefined;
  /**
   * The exact set of securebits flags: PR_SET_SECUREBITS(2const). With `'SECBIT_NOROOT'`, the user
   * root gets no capabilities for being root. Needs CAP_SETPCAP, otherwise EPERM. SECBIT_KEEP_CAPS
   * cannot be given, since execve clears it. Default: those of this process.
   */
  securebits?: readonly SecurebitName[] | undefined;
}

const STEPS = [
  'capset',
  'PR_CAPBSET_DROP',
  'PR_CAP_AMBIENT_CLEAR_ALL',
  'PR_CAP_AMBIENT_RAISE',
  'PR_SET_SECUREBITS',
] as const;
type Program = ProgramBuilder<(typeof STEPS)[number]>;

const KEYS = ['bounding', 'inheritable', 'ambient'] as const;

/** What the options come to; undefined is what is not changed. */
interface Wanted {
  bounding?: CapabilitySet;
  inheritable?: CapabilitySet;
  ambient?: CapabilitySet;
  securebits?: number;
}

function checkSecurebits(value: unknown): number {
  if (!Array.isArray(value)) throw invalid('securebits', value, 'an array of names');
  let bits = 0;
  for (const [index, name] of (value as unknown[]).entries()) {
    const known = typeof name === 'string' && Object.hasOwn(SECBIT, name);
    if (!known || name === 'SECBIT_KEEP_CAPS') {
      throw invalid(
        `securebits[${index}]`,
        name,
        "a flag that execve keeps, such as 'SECBIT_NOROOT'",
      );
    }
    bits |= SECBIT[name as SecurebitName];
  }
  return bits;
}

/** Nothing if neither option is given. */
function wantedOf({ capabilities, securebits }: CapabilityOptions): Wanted | undefined {
  if (capabilities === undefined && securebits === undefined) return undefined;
  const wanted: Wanted = {};
  if (securebits !== undefined) wanted.securebits = checkSecurebits(securebits);
  if (capabilities === undefined) return wanted;
  checkKeys('capabilities', capabilities, KEYS);
  for (const key of KEYS) {
    const names = capabilities[key];
    if (names !== undefined) wanted[key] = checkCapabilities(`capabilities.${key}`, names);
  }
  const { bounding, inheritable = 0n, ambient = 0n } = wanted;
  for (const key of ['inheritable', 'ambient'] as const) {
    const outside = bounding === undefined ? 0n : (wanted[key] ?? 0n) & ~bounding;
    if (outside === 0n) continue;
    throw refused(`capabilities.${key}`, 'cannot hold more than capabilities.bounding');
  }
  // Only an inheritable capability can be ambient.
  if (wanted.inheritable !== undefined) wanted.inheritable = inheritable | ambient;
  return wanted;
}

/** What the child has before its credentials change: in a user namespace other than ours, all. */
function heldSets({ namespaces }: NamespaceOptions): CapabilitySets {
  if (namespaces?.user === undefined || namespaces.user === false) return ownSets();
  const known = knownCapabilities();
  return { effective: known, permitted: known, inheritable: 0n };
}

const SETPCAP = (): bigint => 1n << BigInt(CAP.CAP_SETPCAP);

/**
 * The capabilities to drop for `bounding` to remain. With CAP_SETPCAP, to drop one that is not there is no
 * error; without it, nothing can be dropped, and what is there is looked up.
 */
function toDrop(bounding: CapabilitySet, { effective }: CapabilitySets): number[] {
  const present = effective & SETPCAP() ? knownCapabilities() : boundingSet().present;
  return membersOf(present & ~bounding);
}

/** Whether the kernel takes away capabilities when the user changes: not from root to root. */
function losesCapabilities(program: ProgramBuilder, options: CredentialOptions): boolean {
  const { uid } = identityOf(program, options);
  return uid !== undefined && uid !== 0;
}

/** Before the credentials: otherwise setuid takes away the capabilities that are to be given on. */
export const keepCapabilities: Attribute<
  object,
  ['PR_SET_KEEPCAPS'],
  CapabilityOptions & CredentialOptions
> = {
  options: [],
  steps: ['PR_SET_KEEPCAPS'],
  on: ['linux'],
  emit(program, { options }) {
    if (wantedOf(options) === undefined || !losesCapabilities(program, options)) return;
    program.must({ name: 'PR_SET_KEEPCAPS' }, SYS.prctl, PR.PR_SET_KEEPCAPS, 1, 0, 0, 0);
  },
};

function emitSets(program: Program, sets: CapabilitySets): void {
  const argument = `inheritable=${describe(sets.inheritable)}`;
  const header = program.words(headerWords());
  program.must({ name: 'capset', argument }, SYS.capset, header, program.words(setWords(sets)));
}

/** The inheritable set comes first: it can't grow beyond the bounding set. */
export const capabilities: Attribute<
  CapabilityOptions,
  typeof STEPS,
  CredentialOptions & NamespaceOptions
> = {
  options: ['capabilities', 'securebits'],
  steps: STEPS,
  on: ['linux'],
  check(options) {
    wantedOf(options);
  },
  emit(program, { options }) {
    const wanted = wantedOf(options);
    if (wanted === undefined) return;
    const held = heldSets(options);
    const { bounding, ambient, securebits } = wanted;
    const inheritable = wanted.inheritable ?? held.inheritable | (ambient ?? 0n);
    const lost = losesCapabilities(program, options);
    if (lost) {
      // What setuid made ineffective is wanted once more, for the calls that follow.
      emitSets(program, { ...held, effective: held.permitted, inheritable });
    } else if (inheritable !== held.inheritable) {
      emitSets(program, { ...held, inheritable });
    }
    for (const number of bounding === undefined ? [] : toDrop(bounding, held)) {
      const step = { name: 'PR_CAPBSET_DROP', argument: capabilityName(number) } as const;
      program.must(step, SYS.prctl, PR.PR_CAPBSET_DROP, number, 0, 0, 0);
    }
    if (ambient !== undefined) emitAmbient(program, ambient);
    if (securebits !== undefined) {
      const step = { name: 'PR_SET_SECUREBITS', argument: options.securebits?.join() } as const;
      program.must(step, SYS.prctl, PR.PR_SET_SECUREBITS, securebits, 0, 0, 0);
    }
    if (lost) {
      // Only what is to be ambient stays permitted: with no_new_privs the rest could be had again
      // from a file with capabilities.
      const permitted = (ambient ?? ambientSet()) & held.permitted;
      emitSets(program, { effective: 0n, permitted, inheritable });
    }
  },
  flags: [
    capabilityFlag('ambient', 'what the program may although its user is not root: NET_ADMIN'),
    capabilityFlag('bounding', 'all that the program and its children may ever have: KILL,CHOWN'),
    capabilityFlag('inheritable', 'what programs with the same inheritable ones may use'),
    {
      flags: '--securebits <names>',
      description: 'the securebits flags: noroot,noroot-locked',
      apply: (_, value) => ({ securebits: toList(value).map(toSecurebit) }),
    },
  ],
  trials: () => ({
    capabilities: privileged({ capabilities: { bounding: [] } }),
    securebits: privileged({ securebits: ['SECBIT_NOROOT'] }),
  }),
};

function emitAmbient(program: Program, ambient: CapabilitySet): void {
  const { PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, PR_CAP_AMBIENT_RAISE } = PR;
  const clear = { name: 'PR_CAP_AMBIENT_CLEAR_ALL' } as const;
  program.must(clear, SYS.prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  for (const number of membersOf(ambient)) {
    const step = { name: 'PR_CAP_AMBIENT_RAISE', argument: capabilityName(number) } as const;
    program.must(step, SYS.prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number, 0, 0);
  }
}

function toSecurebit(text: string): SecurebitName {
  const name = text.toUpperCase().replaceAll('-', '_');
  return (name.startsWith('SECBIT_') ? name : `SECBIT_${name}`) as SecurebitName;
}

/** Adds to one of the sets of `capabilities`. */
function capabilityFlag(set: keyof Capabilities, description: string): Flag<CapabilityOptions> {
  return {
    flags: `--${set}-capability <names>`,
    description,
    repeatable: true,
    apply: (options, value) => ({
      capabilities: {
        ...options.capabilities,
        [set]: [...(options.capabilities?.[set] ?? []), ...toList(value).map(toCapability)],
      },
    }),
  };
}
