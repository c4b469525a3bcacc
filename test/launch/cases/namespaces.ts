import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { namespaces as attribute } from '#dist/launch/namespaces.js';
import { type CasesOf, denied } from '../../helpers/cases.js';
import { noPlainNamespaces, noTimeNamespaces } from '../../helpers/facilities.js';
import { KINDS, type Kind, lackOf, others, ROOT_MAP } from '../../helpers/namespaces.js';

const SAMPLE = { user: true, net: true, uidMap: ROOT_MAP, gidMap: ROOT_MAP };

/** A user namespace has other rules: its own tests have them. */
const NEW: readonly Kind[] = KINDS.filter(
  (kind) => kind !== 'user' && !noPlainNamespaces && !(kind === 'time' && noTimeNamespaces),
);

export const namespaces: CasesOf<typeof attribute> = {
  options: {
    namespaces: {
      sample: SAMPLE,
      flags: [
        '--namespaces user,net',
        `--uid-map 0:${process.getuid?.()}:1`,
        `--gid-map 0:${process.getuid?.()}:1`,
      ],
      refused: [
        [5],
        [null],
        [{ network: true }, 'namespaces.network'],
        [{ net: 'yes' }, 'namespaces.net'],
        [{ net: -1 }, 'namespaces.net'],
        [{ net: true, loopback: 1 }, 'namespaces.loopback'],
        [{ loopback: true }, 'namespaces.loopback'],
        [{ net: 2 ** 30 }, 'namespaces.net'],
        [{ uidMap: ROOT_MAP }, 'namespaces.uidMap'],
        [{ gidMap: ROOT_MAP, user: 5 }, 'namespaces.gidMap'],
        [{ setgroups: 'allow' }, 'namespaces.setgroups'],
        [{ user: true, setgroups: 'yes' }, 'namespaces.setgroups'],
        [{ user: true, uidMap: [] }, 'namespaces.uidMap'],
        [{ user: true, uidMap: [5] }, 'namespaces.uidMap[0]'],
        [
          { user: true, uidMap: [{ inside: 0, outside: 0, count: 0 }] },
          'namespaces.uidMap[0].count',
        ],
        [
          { user: true, gidMap: [{ inside: -1, outside: 0, count: 1 }] },
          'namespaces.gidMap[0].inside',
        ],
        [{ user: true, net: 5 }, 'namespaces.net'],
      ],
      lack: await lackOf({ namespaces: SAMPLE }),
      any: fc
        .subarray([...NEW])
        .map((kinds) => Object.fromEntries(kinds.map((kind) => [kind, true]))),
    },
  },
  steps: {
    setns: { options: { namespaces: { net: 0 } }, deny: denied('setns'), argument: 'net 0' },
    unshare: {
      how: 'exec',
      options: { namespaces: { net: true } },
      deny: denied('unshare'),
      argument: 'net',
    },
    user_namespaces: {
      options: { namespaces: { user: true, uidMap: [...ROOT_MAP, ...ROOT_MAP] } },
      needs: { namespaces: { user: true } },
      code: 'EINVAL',
      argument: 'uid_map',
    },
    socket: {
      options: { namespaces: { net: true, loopback: true } },
      needs: { namespaces: { net: true } },
      deny: denied('socket'),
      argument: 'lo',
    },
    ioctl: {
      options: { namespaces: { net: true, loopback: true } },
      needs: { namespaces: { net: true } },
      deny: denied('ioctl', [1, 0x8914]),
      argument: 'lo',
    },
    mount: {
      options: { namespaces: { mount: true } },
      needs: { namespaces: { mount: true } },
      deny: denied('mount'),
      argument: '/',
    },
  },
  found(state, { namespaces = {}, mounts }, usual) {
    const isNew = (kind: Kind): boolean =>
      namespaces[kind] === true || (kind === 'mount' && mounts !== undefined);
    const kinds = KINDS.filter(isNew);
    assert.deepEqual(new Set(others(state)), new Set(kinds));
    const inside = namespaces.pid === true;
    assert.equal(state.ppid, inside ? 0 : usual.ppid);
    if (inside) assert.equal(state.pid, 1);
  },
};
