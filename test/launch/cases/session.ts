import assert from 'node:assert/strict';
import type { session as attribute } from '#dist/launch/session.js';
import { call } from '#dist/syscall/call.js';
import { type CasesOf, denied } from '../../helpers/cases.js';

export const session: CasesOf<typeof attribute> = {
  options: {
    session: { sample: true, flags: ['--session'], refused: [[1], ['yes']] },
    processGroup: {
      sample: 0,
      flags: ['--process-group 0'],
      refused: [['0'], [-1], [1.5], [2 ** 30]],
      excludes: ['session'],
    },
  },
  steps: {
    setsid: { options: { session: true }, deny: denied('setsid') },
    setpgid: { options: { processGroup: 0 }, deny: denied('setpgid'), argument: '0' },
  },
  found(state, { session, processGroup, namespaces }) {
    // Processes that are not in this pid namespace have no number in it.
    const inside = namespaces?.pid === true;
    const ours = (value: number): number => (inside ? 0 : value);
    assert.equal(state.sid, session ? state.pid : ours(call('getsid', 0)));
    const leads = session || processGroup === 0;
    assert.equal(state.pgid, leads ? state.pid : ours(call('getpgid', 0)));
    if (session) assert.equal(state.hasTerminal, false);
  },
};
