import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAvailable } from '#dist/launch/available.js';
import { type CapabilityName, ownSets } from '#dist/launch/capability-sets.js';
import type { ProcessAttributes } from '#dist/process/index.js';
import { call } from '#dist/syscall/call.js';
import { CAP, SECBIT } from '#dist/syscall/constants.js';
import { needsOption } from '../helpers/backend.js';
import { hasCapability, lackOfCapabilities, noNamespaces } from '../helpers/facilities.js';
import { optionsOf } from '../helpers/flags.js';
import {
  asRoot,
  assertFails,
  assertRefused,
  attemptBy,
  attemptsBy,
  NOBODY,
  stateOfAnyone,
} from '../helpers/identity.js';
import { type State, stateOf } from '../helpers/state.js';
import { test } from '../helpers/test.js';

/** All that this process may; the portable backend has no word for it. */
const ALL = isAvailable('capabilities') ? ownSets().permitted : 0n;
/** Two that this process has; the first is in the upper half of the sets, if any of them is. */
const TWO = (
  [
    'CAP_SYSLOG',
    'CAP_SYS_TIME',
    'CAP_NET_RAW',
    'CAP_AUDIT_WRITE',
    'CAP_NET_BIND_SERVICE',
    'CAP_SYS_CHROOT',
  ] as const
)
  .filter(hasCapability)
  .slice(0, 2) as [CapabilityName, CapabilityName];
const [ONE] = TWO;

/** A container leaves its root enough to give some on. */
const able = {
  skip:
    asRoot.skip ||
    lackOfCapabilities('CAP_SETPCAP', 'CAP_KILL') ||
    (TWO.length === 2 ? (false as const) : `this process has too few capabilities: [${TWO}]`),
};

function bits(names: readonly CapabilityName[]): bigint {
  return names.reduce((set, name) => set | (1n << BigInt(CAP[name])), 0n);
}

type SetName = 'inheritable' | 'permitted' | 'effective' | 'bounding' | 'ambient';

function sets(state: State | undefined): Record<SetName, bigint> {
  const read = (line: string): bigint => BigInt(`0x${state?.status[line]}`);
  return {
    inheritable: read('CapInh'),
    permitted: read('CapPrm'),
    effective: read('CapEff'),
    bounding: read('CapBnd'),
    ambient: read('CapAmb'),
  };
}

/** Why set-user-ID bits and file capabilities of a file in the temporary folder mean nothing. */
async function mountLack(): Promise<string | false> {
  if (asRoot.skip) return asRoot.skip;
  const state = await stateOfAnyone({ credential: NOBODY }, (program) =>
    chmodSync(program, 0o4755),
  );
  if (state.uids[1] === 0) return false;
  return state.status['NoNewPrivs'] === '1'
    ? 'this process has given up new privileges: no_new_privs'
    : `${tmpdir()} is mounted nosuid`;
}

const mounted = { skip: await mountLack() };

test(
  'ambient capabilities are effective for a user that is not root', // Go's TestAmbientCaps
  async () => {
    const capabilities = { ambient: TWO };
    const state = await stateOfAnyone({ credential: NOBODY, capabilities });
    const two = bits(TWO);
    assert.deepEqual(state.uids, [65534, 65534, 65534]);
    const bounding = sets(await stateOf()).bounding;
    const expected = { inheritable: two, permitted: two, effective: two, ambient: two, bounding };
    assert.deepEqual(sets(state), expected);
    assert.equal(state.securebits, 0);
  },
  able,
);

test(
  'ambient capabilities work in a new user namespace', // Go's TestAmbientCapsUserns
  async () => {
    const map = [
      { inside: 0, outside: 0, count: 1 },
      { inside: 65534, outside: 65534, count: 1 },
    ];
    const state = await stateOfAnyone({
      namespaces: { user: true, uidMap: map, gidMap: map, setgroups: 'allow' },
      credential: NOBODY,
      capabilities: { ambient: TWO },
    });
    const { effective, ambient } = sets(state);
    assert.deepEqual([state.uids[0], effective, ambient], [65534, bits(TWO), bits(TWO)]);
  },
  { skip: able.skip || noNamespaces },
);

test(
  'capabilities.ambient is the exact ambient set of the child',
  async () => {
    const parent = { credential: NOBODY, capabilities: { ambient: TWO } };
    const list: ProcessAttributes[] = [
      {},
      { capabilities: { ambient: [] } },
      { capabilities: { ambient: [ONE] } },
      { capabilities: { inheritable: [ONE] } },
    ];
    const states = (await attemptsBy(parent, list)).map(({ state }) => sets(state).effective);
    const one = bits([ONE]);
    // What is not inheritable can't stay ambient.
    assert.deepEqual(states, [bits(TWO), 0n, one, one]);
  },
  able,
);

test(
  'capabilities.bounding limits the capabilities of root and of other users',
  async () => {
    const bounding: readonly CapabilityName[] = ['CAP_KILL', ONE];
    const two = bits(bounding);
    const root = sets(await stateOf({ capabilities: { bounding } }));
    assert.deepEqual([root.bounding, root.effective], [two, two]);
    const none = sets(await stateOf({ capabilities: { bounding: [] } }));
    assert.deepEqual([none.bounding, none.permitted], [0n, 0n]);
    const other = await stateOfAnyone({ credential: NOBODY, capabilities: { bounding } });
    assert.deepEqual([sets(other).bounding, sets(other).permitted], [two, 0n]);
    const ambient: readonly CapabilityName[] = ['CAP_KILL'];
    const both = await stateOfAnyone({ credential: NOBODY, capabilities: { bounding, ambient } });
    assert.deepEqual([sets(both).bounding, sets(both).effective], [two, bits(ambient)]);
  },
  able,
);

test(
  'capabilities.inheritable is the exact inheritable set, plus the ambient capabilities',
  async () => {
    const { inheritable } = sets(await stateOf({ capabilities: { inheritable: TWO } }));
    assert.equal(inheritable, bits(TWO));
    const state = await stateOfAnyone({
      credential: NOBODY,
      capabilities: { inheritable: ['CAP_KILL'], ambient: TWO },
    });
    const found = sets(state);
    assert.equal(found.inheritable, bits([...TWO, 'CAP_KILL']));
    assert.equal(found.effective, bits(TWO));
    const parent = { capabilities: { inheritable: TWO } };
    const list: ProcessAttributes[] = [{}, { capabilities: { inheritable: [] } }];
    const states = (await attemptsBy(parent, list)).map(({ state }) => sets(state).inheritable);
    assert.deepEqual(states, [bits(TWO), 0n]);
  },
  able,
);

test(
  'securebits are the exact flags of the child',
  async () => {
    const noroot = await stateOf({ securebits: ['SECBIT_NOROOT'] });
    assert.equal(noroot.securebits, SECBIT.SECBIT_NOROOT);
    assert.equal(sets(noroot).effective, 0n, 'root has nothing by being root');
    const state = await stateOfAnyone({
      credential: NOBODY,
      capabilities: { ambient: TWO },
      securebits: ['SECBIT_NO_CAP_AMBIENT_RAISE', 'SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED'],
    });
    assert.deepEqual([state.securebits, sets(state).effective], [0xc0, bits(TWO)]);
    const parent: ProcessAttributes = { securebits: ['SECBIT_NO_SETUID_FIXUP'] };
    const attempts = await attemptsBy(parent, [{}, { securebits: [] }]);
    assert.deepEqual(
      attempts.map((attempt) => attempt.state?.securebits),
      [4, 0],
    );
  },
  able,
);

test(
  'a child with a credential has no capabilities left',
  async () => {
    for (const capabilities of [
      undefined,
      {},
      { ambient: [] },
      { bounding: ['CAP_KILL'] },
    ] as const) {
      const options = capabilities === undefined ? {} : { capabilities };
      const { permitted, effective, ambient } = sets(
        await stateOfAnyone({ credential: NOBODY, ...options }),
      );
      assert.deepEqual([permitted, effective, ambient], [0n, 0n, 0n]);
    }
  },
  asRoot,
);

test(
  'noNewPrivileges disables the set-user-ID bit of programs',
  async () => {
    const state = await stateOfAnyone({ credential: NOBODY, noNewPrivileges: true }, (program) =>
      chmodSync(program, 0o4755),
    );
    assert.deepEqual(state.uids, [65534, 65534, 65534]);
    assert.equal(state.status['NoNewPrivs'], '1');
    const { status } = await stateOf({ noNewPrivileges: false });
    assert.equal(status['NoNewPrivs'], '0');
  },
  mounted,
);

test(
  'noNewPrivileges with capabilities disables file capabilities',
  async () => {
    needsOption('capabilities');
    // struct vfs_cap_data, revision 2, effective: one permitted, which containers have, too
    const attribute = new Uint32Array([0x0200_0001, 1 << CAP.CAP_KILL, 0, 0, 0]);
    const give = (program: string): void => {
      call('setxattr', program, 'security.capability', attribute, attribute.byteLength, 0);
    };
    const plain: ProcessAttributes = { credential: NOBODY, capabilities: { inheritable: [] } };
    assert.equal(sets(await stateOfAnyone(plain, give)).effective, bits(['CAP_KILL']));
    const state = await stateOfAnyone({ ...plain, noNewPrivileges: true }, give);
    assert.deepEqual([sets(state).permitted, sets(state).effective], [0n, 0n]);
  },
  mounted,
);

test(
  'each step of capabilities fails by name without the privilege',
  async () => {
    const failureOf = async (
      parent: ProcessAttributes,
      attributes: ProcessAttributes,
    ): Promise<string | undefined> => {
      const { failure } = await attemptBy(parent, attributes);
      return failure && `${failure.step}(${failure.argument ?? ''}): ${failure.code}`;
    };
    const nobody = { credential: NOBODY };
    const ambient = { capabilities: { ambient: [ONE] } };
    assert.equal(await failureOf(nobody, ambient), `capset(inheritable=${ONE}): EPERM`);
    const drop = { capabilities: { bounding: [] } };
    assert.equal(await failureOf(nobody, drop), 'PR_CAPBSET_DROP(CAP_CHOWN): EPERM');
    const noroot: ProcessAttributes = { securebits: ['SECBIT_NOROOT'] };
    assert.equal(await failureOf(nobody, noroot), 'PR_SET_SECUREBITS(SECBIT_NOROOT): EPERM');
    const noRaise: ProcessAttributes = { securebits: ['SECBIT_NO_CAP_AMBIENT_RAISE'] };
    assert.equal(await failureOf(noRaise, ambient), `PR_CAP_AMBIENT_RAISE(${ONE}): EPERM`);
    const noKeep: ProcessAttributes = { securebits: ['SECBIT_KEEP_CAPS_LOCKED'] };
    assert.equal(await failureOf(noKeep, { ...nobody, ...ambient }), 'PR_SET_KEEPCAPS(): EPERM');
  },
  able,
);

const lacking = (Object.keys(CAP) as CapabilityName[]).find((name) => (bits([name]) & ALL) === 0n);

test(
  'a capability that this process does not have cannot be given',
  async () => {
    const name = lacking as CapabilityName;
    const failure = { step: 'capset', code: 'EPERM', argument: `inheritable=${name}` };
    await assertFails({ capabilities: { ambient: [name] } }, failure);
    await assertFails({ credential: NOBODY, capabilities: { ambient: [name] } }, failure);
  },
  { skip: asRoot.skip || (lacking === undefined ? 'root lacks no capability' : false) },
);

test('invalid capabilities are refused by name', async () => {
  const refused: [options: object, path: string][] = [
    [{ capabilities: ['CAP_KILL'] }, 'capabilities'],
    [{ capabilities: { effective: [] } }, 'capabilities.effective'],
    [{ capabilities: { ambient: 'CAP_KILL' } }, 'capabilities.ambient'],
    [{ capabilities: { ambient: ['CAP_KILL', 'KILL'] } }, 'capabilities.ambient[1]'],
    [{ capabilities: { bounding: [5] } }, 'capabilities.bounding[0]'],
    [{ capabilities: { inheritable: ['toString'] } }, 'capabilities.inheritable[0]'],
    [{ capabilities: { bounding: [], ambient: ['CAP_KILL'] } }, 'capabilities.ambient'],
    [
      { capabilities: { bounding: ['CAP_CHOWN'], inheritable: ['CAP_KILL'] } },
      'capabilities.inheritable',
    ],
    [{ securebits: 'SECBIT_NOROOT' }, 'securebits'],
    [{ securebits: ['NOROOT'] }, 'securebits[0]'],
    [{ securebits: ['SECBIT_KEEP_CAPS'] }, 'securebits[0]'],
    [{ noNewPrivileges: 1 }, 'noNewPrivileges'],
  ];
  for (const [options, path] of refused) await assertRefused(options, path);
});

test('the flags for capabilities set the options', async () => {
  const flags = [
    '--ambient-capability net_admin,CAP_KILL',
    '--ambient-capability SYSLOG',
    '--bounding-capability ',
    '--inheritable-capability CAP_CHOWN',
    '--securebits noroot,SECBIT_NOROOT_LOCKED',
    '--no-new-privileges',
  ];
  assert.deepEqual(optionsOf(...flags), {
    capabilities: {
      ambient: ['CAP_NET_ADMIN', 'CAP_KILL', 'CAP_SYSLOG'],
      bounding: [],
      inheritable: ['CAP_CHOWN'],
    },
    securebits: ['SECBIT_NOROOT', 'SECBIT_NOROOT_LOCKED'],
    noNewPrivileges: true,
  });
  await assertRefused(optionsOf('--ambient-capability all'), 'capabilities.ambient[0]');
  await assertRefused(optionsOf('--securebits keep-caps'), 'securebits[0]');
});
