import assert from 'node:assert/strict';
import fc from 'fast-check';
import { explain, run, runSync, type SeccompFilter } from '#dist/index.js';
import type { seccomp as attribute } from '#dist/launch/seccomp.js';
import { type CasesOf, denied } from '../../helpers/cases.js';
import { withFolder } from '../../helpers/state.js';

const rule = { calls: ['mkdir'], action: 'errno' } as const;
const kill = (calls: string[]) => ({ rules: [{ calls, action: 'kill' }] }) as const;
const withArgument = (argument: object) => ({ rules: [{ ...rule, arguments: [argument] }] });

export const seccomp: CasesOf<typeof attribute> = {
  options: {
    seccomp: {
      sample: 'no-network',
      flags: ['--seccomp no-network'],
      refused: [
        [5],
        [null],
        [[]],
        ['docker'],
        [{}, 'seccomp.rules'],
        [{ rules: [], action: 'kill' }, 'seccomp.action'],
        [{ rules: [5] }, 'seccomp.rules[0]'],
        [{ rules: [{ ...rule, calls: [] }] }, 'seccomp.rules[0].calls'],
        [{ rules: [rule, { ...rule, calls: ['mkdirs'] }] }, 'seccomp.rules[1].calls[0]'],
        [{ rules: [{ ...rule, action: 'deny' }] }, 'seccomp.rules[0].action'],
        [{ rules: [{ ...rule, action: { errno: 0 } }] }, 'seccomp.rules[0].action.errno'],
        [{ rules: [{ ...rule, action: { errno: 4096 } }] }, 'seccomp.rules[0].action.errno'],
        [{ rules: [{ ...rule, action: { errno: 'EWHAT' } }] }, 'seccomp.rules[0].action.errno'],
        [{ rules: [{ ...rule, action: { errno: 'toString' } }] }, 'seccomp.rules[0].action.errno'],
        [withArgument({ index: 6, op: 'eq', value: 1 }), 'seccomp.rules[0].arguments[0].index'],
        [withArgument({ index: 0, op: '==', value: 1 }), 'seccomp.rules[0].arguments[0].op'],
        [withArgument({ index: 0, op: 'eq', value: -1 }), 'seccomp.rules[0].arguments[0].value'],
        [withArgument({ index: 0, op: 'eq' }), 'seccomp.rules[0].arguments[0].value'],
        [
          withArgument({ index: 0, op: 'eq', value: 1, bits: 8 }),
          'seccomp.rules[0].arguments[0].bits',
        ],
        [{ rules: [], default: 'deny' }, 'seccomp.default'],
        [{ rules: [], default: 'kill' }, 'seccomp.default'],
        [kill(['mkdir', 'execve']), 'seccomp.rules[0]'],
        [kill(['exit_group']), 'seccomp.rules[0]'],
        [[kill(['seccomp']), 'container'], 'seccomp[0].rules[0]'],
        [{ rules: [], architectures: ['sparc'] }, 'seccomp.architectures[0]'],
        [{ rules: [], architectures: [] }, 'seccomp.architectures'],
        [['container', 'docker'], 'seccomp[1]'],
      ],
      any: fc.constantFrom('no-network' as const, { rules: [rule] }),
    },
  },
  steps: {
    seccomp: {
      options: { seccomp: 'container' },
      deny: denied('seccomp', [0, 1]),
      argument: 'container',
    },
  },
  found({ status }, { seccomp }, usual) {
    const filters = Number(usual.status['Seccomp_filters']) + (seccomp === undefined ? 0 : 1);
    assert.equal(Number(status['Seccomp_filters']), filters);
  },
  allowed({ seccomp, noNewPrivileges }) {
    // Refused to a process without privileges, as a credential or fewer capabilities make it.
    const isRefused = seccomp !== undefined && noNewPrivileges === false;
    return isRefused ? { noNewPrivileges: true } : {};
  },
  async seen() {
    await withFolder(async (folder) => {
      const seccomp = kill(['mkdir', 'mkdirat']);
      const options = { cwd: folder, seccomp, reject: false } as const;
      const { status } = await run('/bin/mkdir', ['x'], options);
      assert.equal(status.signal, 'SIGSYS');
      assert.match(explain(status) ?? '', /called one of mkdir, mkdirat/);
      const { status: same } = runSync('/bin/mkdir', ['x'], options);
      assert.equal(explain(same), explain(status));
      const { status: ended } = await run('/bin/true', options);
      assert.equal(explain(ended), undefined);
      // A filter that its caller changes is another filter at the next launch.
      const filter = { rules: [{ calls: ['mkdir', 'mkdirat'], action: { errno: 'EROFS' } }] };
      const changing = { ...options, seccomp: filter as SeccompFilter };
      const first = await run('/bin/mkdir', ['y'], changing);
      filter.rules = [];
      const second = await run('/bin/mkdir', ['y'], changing);
      assert.deepEqual([first.status.code, second.status.code], [1, 0]);
    });
  },
};
