import assert from 'node:assert/strict';
import type {
  controllingTerminal as controlling,
  detachTerminal as detach,
  foreground as front,
} from '#dist/launch/terminal.js';
import { startProcess } from '#dist/process/index.js';
import { O, TIOC } from '#dist/syscall/constants.js';
import { type CasesOf, denied } from '../../helpers/cases.js';
import { withPty } from '../../helpers/pty.js';

const ioctl = (request: number) => denied('ioctl', [1, request]);

// test/launch/foreground.test.ts and terminal.test.ts have what a child on a terminal finds.

export const foreground: CasesOf<typeof front> = {
  options: {
    foreground: {
      sample: 0,
      flags: ['--foreground 0'],
      refused: [['0'], [-1], [true], [2 ** 30]],
      excludes: ['session', 'controllingTerminal'],
      how: 'onTerminal',
    },
  },
  steps: {
    setpgid: { options: { foreground: 0 }, deny: denied('setpgid'), argument: '0' },
    getpgid: { options: { foreground: 0 }, deny: denied('getpgid') },
    TIOCSPGRP: { options: { foreground: 0 }, deny: ioctl(TIOC.TIOCSPGRP), argument: '0' },
  },
};

export const detachTerminal: CasesOf<typeof detach> = {
  options: {
    detachTerminal: {
      sample: true,
      flags: ['--detach-terminal'],
      refused: [[1], ['yes']],
      excludes: ['controllingTerminal'],
    },
  },
  steps: {
    open: {
      options: { detachTerminal: true },
      deny: denied('openat', [2, O.O_RDWR | O.O_CLOEXEC | O.O_NOCTTY]),
      onTerminal: true,
      argument: '/dev/tty',
    },
    TIOCNOTTY: { options: { detachTerminal: true }, deny: ioctl(TIOC.TIOCNOTTY), onTerminal: true },
  },
  found: (state, wanted) => {
    if (wanted.detachTerminal) assert.equal(state.hasTerminal, false);
  },
};

export const controllingTerminal: CasesOf<typeof controlling> = {
  options: {
    controllingTerminal: {
      sample: 0,
      flags: ['--controlling-terminal 0'],
      refused: [['0'], [-1], [2 ** 30], [1.5]],
      requires: 'session',
      how: 'onTerminal',
    },
  },
  steps: {
    TIOCSCTTY: {
      options: { session: true, controllingTerminal: 2 },
      deny: ioctl(TIOC.TIOCSCTTY),
      argument: '2',
    },
  },
  async seen() {
    await withPty(async ({ terminal }) => {
      const attributes = {
        session: true,
        controllingTerminal: 0,
        files: [terminal, 'null', 'null'],
      };
      const words = ['sh', '-c', ': </dev/tty'];
      const child = await startProcess('/bin/sh', words, attributes as object);
      assert.equal(String(await child.wait()), 'exit status 0');
    });
  },
};
