import assert from 'node:assert/strict';
import type { cgroup as attribute } from '#dist/launch/cgroup.js';
import type { CasesOf } from '../../helpers/cases.js';
import { nameOf, withCgroup, withoutCgroups } from '../../helpers/cgroups.js';

export const cgroup: CasesOf<typeof attribute> = {
  options: {
    cgroup: {
      sample: '/', // in its place comes one of the test's own
      withSample: withCgroup,
      flags: (cgroup) => [`--cgroup ${cgroup}`],
      refused: [[true], [null], [-1], ['a\0b']],
      lack: withoutCgroups.skip,
    },
  },
  steps: {
    open: { options: { cgroup: '/no/such' }, code: 'ENOENT', argument: '/no/such' },
    cgroup: { options: { cgroup: '/' }, code: 'EBADF', argument: '/' },
  },
  found(state, { cgroup, namespaces }, usual) {
    if (namespaces?.cgroup) return assert.match(state.cgroup, /^0::\/$/m);
    if (cgroup === undefined) return assert.equal(state.cgroup, usual.cgroup);
    const name = nameOf(String(cgroup)).replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    assert.match(state.cgroup, new RegExp(`^0::${name}$`, 'm'));
  },
};
