import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isAvailable } from '#dist/launch/available.js';
import type {
  capabilities as attribute,
  Capabilities,
  keepCapabilities as keep,
  SecurebitName,
} from '#dist/launch/capabilities.js';
import { boundingSet, type CapabilityName, ownSets } from '#dist/launch/capability-sets.js';
import type { ProcessAttributes } from '#dist/process/index.js';
import { CAP, PR, SECBIT } from '#dist/syscall/constants.js';
import { type CasesOf, denied, deniedAmbient, deniedPrctl } from '../../helpers/cases.js';
import { NOBODY } from '../../helpers/identity.js';
import { type State, stateOf } from '../../helpers/state.js';

/** The portable backend has no word for them. */
const permitted = isAvailable('capabilities') ? ownSets().permitted : 0n;
const NAMES = (Object.keys(CAP) as CapabilityName[]).filter(
  (name) => (permitted >> BigInt(CAP[name])) & 1n,
);

/** Before Linux 6.14 there are none of those for scripts, and setting one fails with EPERM. */
const scriptBits = (Object.keys(SECBIT) as SecurebitName[]).filter((name) =>
  name.includes('_EXEC_'),
);
const missing: readonly SecurebitName[] = await stateOf({ securebits: scriptBits }).then(
  () => [],
  () => scriptBits,
);
const SECUREBITS = (Object.keys(SECBIT) as SecurebitName[]).filter(
  (name) => name !== 'SECBIT_KEEP_CAPS' && !missing.includes(name),
);

function bits(names: readonly CapabilityName[]): bigint {
  return names.reduce((set, name) => set | (1n << BigInt(CAP[name])), 0n);
}

/** What execve(2) makes of the capabilities that were asked for; this process has no ambient ones. */
function expectedSets({ capabilities = {}, credential, securebits }: ProcessAttributes) {
  const uid = (credential as { uid?: number } | undefined)?.uid ?? 0;
  const bounding =
    capabilities.bounding === undefined ? boundingSet().present : bits(capabilities.bounding);
  const ambient = bits(capabilities.ambient ?? []);
  const before = capabilities.inheritable === undefined ? ownSets().inheritable : 0n;
  const inheritable = before | bits(capabilities.inheritable ?? []) | ambient;
  const noRoot = securebits?.includes('SECBIT_NOROOT') ?? false;
  const held = uid === 0 && !noRoot ? bounding | inheritable : ambient;
  return { bounding, inheritable, ambient, permitted: held, effective: held };
}

function foundSets({ status }: State) {
  const set = (line: string): bigint => BigInt(`0x${status[line]}`);
  return {
    bounding: set('CapBnd'),
    inheritable: set('CapInh'),
    ambient: set('CapAmb'),
    permitted: set('CapPrm'),
    effective: set('CapEff'),
  };
}

export const keepCapabilities: CasesOf<typeof keep> = {
  options: {},
  steps: {
    PR_SET_KEEPCAPS: {
      options: { credential: NOBODY, capabilities: { ambient: ['CAP_KILL'] } },
      deny: deniedPrctl(PR.PR_SET_KEEPCAPS),
    },
  },
};

export const capabilities: CasesOf<typeof attribute> = {
  options: {
    capabilities: {
      sample: { bounding: ['CAP_KILL'], ambient: [] },
      flags: ['--bounding-capability KILL', '--ambient-capability '],
      refused: [
        [[]],
        [{ effective: [] }, 'capabilities.effective'],
        [{ ambient: ['KILL'] }, 'capabilities.ambient[0]'],
        [{ bounding: [], ambient: ['CAP_KILL'] }, 'capabilities.ambient'],
      ],
      // Ambient and inheritable ones are among those of the bounding set.
      any: fc.subarray([...NAMES]).chain((bounding) =>
        fc.record(
          {
            bounding: fc.constant(bounding),
            inheritable: fc.subarray(bounding),
            ambient: fc.subarray(bounding),
          },
          { requiredKeys: [] },
        ),
      ) as fc.Arbitrary<Capabilities>,
    },
    securebits: {
      sample: ['SECBIT_NOROOT'],
      flags: ['--securebits noroot'],
      refused: [['SECBIT_NOROOT'], [['NOROOT'], 'securebits[0]']],
      any: fc.subarray([...SECUREBITS]),
    },
  },
  steps: {
    capset: {
      options: { capabilities: { inheritable: ['CAP_KILL'] } },
      deny: denied('capset'),
      argument: 'inheritable=CAP_KILL',
    },
    PR_CAPBSET_DROP: {
      options: { capabilities: { bounding: [] } },
      deny: deniedPrctl(PR.PR_CAPBSET_DROP),
      argument: 'CAP_CHOWN',
    },
    PR_CAP_AMBIENT_CLEAR_ALL: {
      options: { capabilities: { ambient: ['CAP_KILL'] } },
      deny: deniedAmbient(PR.PR_CAP_AMBIENT_CLEAR_ALL),
    },
    PR_CAP_AMBIENT_RAISE: {
      options: { capabilities: { ambient: ['CAP_KILL'] } },
      deny: deniedAmbient(PR.PR_CAP_AMBIENT_RAISE),
      argument: 'CAP_KILL',
    },
    PR_SET_SECUREBITS: {
      options: { securebits: ['SECBIT_NOROOT'] },
      deny: deniedPrctl(PR.PR_SET_SECUREBITS),
      argument: 'SECBIT_NOROOT',
    },
  },
  found(state, wanted) {
    if (wanted.namespaces?.user === true) return; // all of them are inside
    assert.deepEqual(foundSets(state), expectedSets(wanted));
    const secure = (wanted.securebits ?? []).reduce((set, name) => set | SECBIT[name], 0);
    assert.equal(state.securebits, secure);
  },
};
