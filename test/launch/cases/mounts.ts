import assert from 'node:assert/strict';
import type { mounts as attribute } from '#dist/launch/mounts.js';
import { type CasesOf, denied } from '../../helpers/cases.js';
import { lackOf } from '../../helpers/namespaces.js';

const SAMPLE = [{ bind: '/', devices: true }] as const;
const TREE = { bind: '/usr', readOnly: true } as const;

const needs = { namespaces: { mount: true } } as const;
const failing = (call: Parameters<typeof denied>[0], entry: object = TREE) => ({
  options: { mounts: [{ tmpfs: '/' }, entry] as never },
  needs,
  deny: denied(call),
});

export const mounts: CasesOf<typeof attribute> = {
  options: {
    mounts: {
      sample: SAMPLE,
      flags: ['--mount bind=/,dev'],
      refused: [
        [5],
        [[]],
        [[5], 'mounts[0]'],
        [[{}], 'mounts[0]'],
        [[{ bind: '/usr', tmpfs: '/tmp' }], 'mounts[0]'],
        [[TREE, { bind: '' }], 'mounts[1].bind'],
        [[{ bind: '/usr', ro: true }], 'mounts[0].ro'],
        [[{ bind: '/usr', readOnly: 1 }], 'mounts[0].readOnly'],
        [[{ bind: '/usr', to: 'usr' }], 'mounts[0].to'],
        [[{ tmpfs: 'tmp' }], 'mounts[0].tmpfs'],
        [[{ tmpfs: '/a/../b' }], 'mounts[0].tmpfs'],
        [[{ tmpfs: '/tmp', size: 0 }], 'mounts[0].size'],
        [[{ tmpfs: '/tmp', mode: 0o10000 }], 'mounts[0].mode'],
        [[{ file: '/f', content: 5 }], 'mounts[0].content'],
        [[{ symlink: '/f' }], 'mounts[0].to'],
        [[{ overlay: '/f', lower: [] }], 'mounts[0].lower'],
        [[{ overlay: '/f', lower: ['/a'], upper: '/b' }], 'mounts[0].upper'],
        [[{ overlay: '/f', lower: [''] }], 'mounts[0].lower[0]'],
      ],
      lack: await lackOf({ mounts: SAMPLE }),
    },
  },
  steps: {
    open_tree: { ...failing('open_tree'), argument: 'mounts[1] /usr' },
    fsopen: { ...failing('fsopen'), argument: 'mounts[0] /' },
    fsconfig: { ...failing('fsconfig'), argument: 'mounts[0] /' },
    fsmount: { ...failing('fsmount'), argument: 'mounts[0] /' },
    mount_setattr: { ...failing('mount_setattr'), argument: 'mounts[1] /usr' },
    move_mount: { ...failing('move_mount'), argument: 'mounts[0] /' },
    fchdir: { ...failing('fchdir'), argument: 'mounts[0] /' },
    pivot_root: { ...failing('pivot_root'), argument: 'mounts[0] /' },
    umount2: { ...failing('umount2'), argument: 'mounts[0] /' },
    chdir: { ...failing('chdir'), argument: '/' },
    mkdir: { ...failing('mkdirat'), argument: 'mounts[1] /usr' },
    open: {
      options: {
        mounts: [
          { bind: '/', readOnly: true },
          { file: '/proc/none', content: '' },
        ],
      },
      needs,
      code: 'ENOENT',
      argument: 'mounts[1] /proc/none',
    },
    write: {
      ...failing('write', { file: '/f', content: 'x'.repeat(77) }),
      deny: denied('write', [2, 77]),
      argument: 'mounts[1] /f',
    },
    symlink: {
      ...failing('symlinkat', { symlink: '/l', to: 'usr' }),
      argument: 'mounts[1] /l',
    },
  },
  found({ namespaces: { mnt }, root }, { mounts }, usual) {
    if (mounts === undefined) return;
    assert.notEqual(mnt, usual.namespaces['mnt']);
    assert.equal(root, '/');
  },
};
