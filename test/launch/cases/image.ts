import assert from 'node:assert/strict';
import { run } from '#dist/index.js';
import type { image as attribute } from '#dist/launch/image.js';
import { type CasesOf, denied } from '../../helpers/cases.js';

export const image: CasesOf<typeof attribute> = {
  options: {
    argv0: { sample: 'other', flags: ['--argv0 other'], refused: [[5], ['a\0b']] },
    path: { sample: '/bin', flags: ['--path /bin'], refused: [[5], ['a\0b']] },
    env: {
      sample: { FORKEXEC_TEST: '1' },
      flags: ['--env FORKEXEC_TEST=1'],
      refused: [[5], [{ X: 5 }, 'env.X'], [{ X: '\0' }, 'env.X'], [{ '': 'x' }], [{ 'a=b': 'x' }]],
    },
    clearEnv: { sample: true, flags: ['--clear-env'], refused: [[1], ['yes']] },
  },
  steps: { execve: { options: {}, deny: denied('execve'), argument: '/bin/true' } },
  found(state, { argv0, env: wantedEnv = {}, clearEnv, cwd, chroot }, usual) {
    if (argv0 !== undefined) assert.equal(state.argv[0], argv0);
    // The command has a marker for each tree of its own.
    const env = (list: readonly string[]) => list.filter((line) => !/^FORKEXEC_TREE=/.test(line));
    const directory = cwd ?? (chroot === undefined ? undefined : '/');
    const given = Object.entries(wantedEnv).map(([name, value]) => `${name}=${value}`);
    if (!clearEnv) {
      given.push(...usual.env.filter((line) => directory === undefined || !/^PWD=/.test(line)));
      if (directory !== undefined) given.push(`PWD=${directory}`);
    }
    assert.deepEqual(env(state.env).sort(), env(given).sort());
  },
  async seen() {
    assert.equal((await run('sh', ['-c', 'echo $0'], { path: '/bin' })).stdout, 'sh');
    await assert.rejects(run('sh', { path: '/no/such' }), { step: 'execve', code: 'ENOENT' });
  },
};
