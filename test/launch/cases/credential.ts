import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { credential as attribute, IdCredential } from '#dist/launch/credential.js';
import { type CasesOf, denied } from '../../helpers/cases.js';
import { NOBODY } from '../../helpers/identity.js';

const id = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 0xffff_fffe }));

const sorted = (list: readonly number[]): number[] => [...list].sort((a, b) => a - b);

export const credential: CasesOf<typeof attribute> = {
  options: {
    credential: {
      sample: { uid: 0, gid: 0, groups: [] },
      flags: ['--uid 0', '--gid 0', '--groups '],
      refused: [
        [null],
        ['root'],
        [{ Uid: 0 }, 'credential.Uid'],
        [{ uid: -1 }, 'credential.uid'],
        [{ user: 'root', uid: 0 }, 'credential.uid'],
        [{ groups: [], keepGroups: true }, 'credential.groups'],
      ],
      any: fc.record(
        { uid: id, gid: id, groups: fc.uniqueArray(id, { maxLength: 5 }) },
        { requiredKeys: [] },
      ) as fc.Arbitrary<IdCredential>,
    },
  },
  steps: {
    setgroups: {
      options: { credential: { groups: [4, 5] } },
      deny: denied('setgroups'),
      argument: '4,5',
    },
    setgid: { options: { credential: NOBODY }, deny: denied('setgid'), argument: '65534' },
    setuid: { options: { credential: NOBODY }, deny: denied('setuid'), argument: '65534' },
  },
  found(state, { credential, namespaces }, usual) {
    if (namespaces?.user === true) return; // other numbers are inside
    const { uid, gid, groups = [] } = (credential ?? {}) as IdCredential;
    assert.deepEqual(state.uids, uid === undefined ? usual.uids : [uid, uid, uid]);
    assert.deepEqual(state.gids, gid === undefined ? usual.gids : [gid, gid, gid]);
    const expected = credential === undefined ? usual.groups : groups;
    assert.deepEqual(sorted(state.groups), sorted(expected));
  },
};
