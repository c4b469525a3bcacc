import assert from 'node:assert/strict';
import fc from 'fast-check';
import { backend } from '#dist/backend.js';
import { spawn } from '#dist/index.js';
import type { landlock as restrict, landlockRules as rules } from '#dist/launch/landlock.js';
import { landlockAbi } from '#dist/sandbox/landlock-rights.js';
import { E, F } from '#dist/syscall/constants.js';
import { errorName } from '#dist/syscall/errors.js';
import { type CasesOf, denied } from '../../helpers/cases.js';

const ALL = ['/'];
const SAMPLE = { read: ALL, write: ALL, execute: ALL } as const;

const lack =
  landlockAbi() < 0 && backend === 'linux' ? `landlock: ${errorName(-landlockAbi())}` : false;

const options = { landlock: { read: ['/'] } };

export const landlockRules: CasesOf<typeof rules> = {
  options: {
    landlock: {
      sample: SAMPLE,
      flags: ['--landlock read=/', '--landlock write=/', '--landlock execute=/'],
      refused: [
        [5],
        [null],
        [[]],
        [{}],
        [{ bestEffort: true }],
        [{ reads: ['/'] }, 'landlock.reads'],
        [{ read: '/' }, 'landlock.read'],
        [{ read: ['/', 5] }, 'landlock.read[1]'],
        [{ write: [''] }, 'landlock.write[0]'],
        [{ execute: ['/a\0'] }, 'landlock.execute[0]'],
        [{ connect: [70000] }, 'landlock.connect[0]'],
        [{ connect: ['https'] }, 'landlock.connect[0]'],
        [{ bind: [-1] }, 'landlock.bind[0]'],
        [{ scope: ['signals'] }, 'landlock.scope[0]'],
        [{ handled: ['read'] }, 'landlock.handled[0]'],
        [{ read: ['/'], log: ['none'] }, 'landlock.log[0]'],
        [{ read: ['/'], bestEffort: 1 }, 'landlock.bestEffort'],
        [{ rules: [5] }, 'landlock.rules[0]'],
        [{ rules: [{ paths: ['/'], rights: ['all'] }] }, 'landlock.rules[0].rights[0]'],
        [{ rules: [{ paths: ['/'], rights: [], more: 1 }] }, 'landlock.rules[0].more'],
        [[{ read: ['/'] }, {}], 'landlock[1]'],
        [[{ read: ['/'] }, { write: [1] }], 'landlock[1].write[0]'],
      ],
      lack,
      any: fc.constantFrom(SAMPLE, { handled: ['makeBlock'] as const }),
    },
  },
  steps: {
    landlock_create_ruleset: {
      options,
      deny: denied('landlock_create_ruleset', [2, 0]),
    },
    open: {
      options: { landlock: { read: ['/', '/no/such'] } },
      code: 'ENOENT',
      argument: 'landlock.read[1] /no/such',
    },
    fcntl: {
      options,
      deny: denied('fcntl', [1, F.F_DUPFD_CLOEXEC]),
      argument: 'the ruleset of landlock',
    },
    landlock_add_rule: {
      options,
      deny: denied('landlock_add_rule'),
      argument: 'landlock.read[0] /',
    },
  },
  found({ status }, { landlock, noNewPrivileges }, usual) {
    if (landlock === undefined || noNewPrivileges !== undefined) return;
    assert.equal(status['NoNewPrivs'], '1', usual.status['NoNewPrivs']);
  },
  allowed({ landlock, noNewPrivileges }) {
    // Refused to a process without privileges, as a credential or fewer capabilities make it.
    const isRefused = landlock !== undefined && noNewPrivileges === false;
    return isRefused ? { noNewPrivileges: true } : {};
  },
  async seen() {
    const landlock = { ...SAMPLE, scope: ['signal'] as const, bestEffort: true };
    const child = await spawn('/bin/true', { landlock });
    assert.ok(child.sandbox?.layers.every(({ layer }) => layer === 'landlock'));
    assert.equal((await child.exited).code, 0);
    await assert.rejects(spawn('/bin/true', { landlock: { read: ['/no/such'] } }), {
      step: 'open',
      errno: E.ENOENT,
    });
  },
};

export const landlock: CasesOf<typeof restrict> = {
  options: {},
  steps: {
    landlock_add_rule: {
      options: { stdin: 'pipe', landlock: { read: ['/dev/fd/99'], execute: ['/'] } },
      how: 'command',
      code: 'EBADF',
      argument: 'landlock.read[0] /dev/fd/99',
    },
    landlock_restrict_self: { options, deny: denied('landlock_restrict_self') },
  },
};
