import assert from 'node:assert/strict';
import type { directory as attribute } from '#dist/launch/directory.js';
import { type CasesOf, denied } from '../../helpers/cases.js';

export const directory: CasesOf<typeof attribute> = {
  options: {
    cwd: {
      sample: '/usr',
      flags: ['--cwd /usr'],
      refused: [[5], ['a\0b'], [new URL('https://example.com/')]],
    },
  },
  steps: { chdir: { options: { cwd: '/usr' }, deny: denied('chdir'), argument: '/usr' } },
  found(state, { cwd, chroot }, usual) {
    assert.equal(state.cwd, cwd ?? (chroot === undefined ? usual.cwd : '/'));
  },
};
