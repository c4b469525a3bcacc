import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { chroot as attribute } from '#dist/launch/chroot.js';
import { type CasesOf, denied } from '../../helpers/cases.js';

export const chroot: CasesOf<typeof attribute> = {
  options: {
    chroot: {
      sample: '/',
      flags: ['--chroot /'],
      refused: [[1], ['a\0b']],
      any: fc.constant('/'),
    },
  },
  steps: {
    chroot: { options: { chroot: '/' }, deny: denied('chroot'), argument: '/' },
    chdir: { options: { chroot: '/' }, deny: denied('chdir'), argument: '/' },
  },
  found: (state, { chroot = '/' }) => assert.equal(state.root, chroot),
};
