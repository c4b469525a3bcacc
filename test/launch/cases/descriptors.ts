import assert from 'node:assert/strict';
import type { sources as opened, descriptors as placed } from '#dist/launch/descriptors.js';
import { F, O } from '#dist/syscall/constants.js';
import { type CasesOf, denied } from '../../helpers/cases.js';

/** And /proc, which serves where it is missing. */
const noCloseRange = [...denied('close_range'), ...denied('openat')];

export const sources: CasesOf<typeof opened> = {
  options: {},
  steps: {
    close_range: { options: {}, deny: noCloseRange },
    fcntl: { options: { files: [1] }, deny: denied('fcntl', [1, F.F_GETFD]), argument: '1' },
    open: {
      options: { files: ['null'] },
      deny: denied('openat', [2, O.O_RDWR | O.O_CLOEXEC]), // the list of descriptors is read
      argument: '/dev/null',
    },
  },
};

export const descriptors: CasesOf<typeof placed> = {
  options: {},
  steps: {
    fcntl: {
      options: { files: ['null'] },
      deny: denied('fcntl', [1, F.F_DUPFD_CLOEXEC]),
      argument: '/dev/null',
    },
    dup3: { options: { files: [1, 0] }, deny: denied('dup3'), argument: '1' },
    close_range: { options: {}, deny: noCloseRange },
  },
  found: (state) => assert.deepEqual(Object.keys(state.fds), ['0', '1', '2']),
};
