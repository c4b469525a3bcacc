// What a process does to itself for good, in processes of their own.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { getuid } from '#dist/syscall/identity.js';
import { test } from '../helpers/test.js';
import { fixture, runFixture } from './fixtures/run.js';

const skip = getuid() === 0 ? false : 'only root may';

for (const [name, what] of [
  ['setuid and its kin hold for all threads', 'setters'],
  ['a thread in a namespace of its own, and back', 'namespaces'],
  ['chroot', 'root'],
] as const) {
  test(
    name,
    (t) => {
      const outcome = runFixture('identity', [what]);
      const refusal = /^SystemError: unshare: EPERM.*$/m.exec(outcome.stderr)?.[0];
      if (what === 'namespaces' && refusal !== undefined) return t.skip(refusal);
      assert.deepEqual(outcome, { code: 0, signal: null, stdout: '', stderr: '' });
    },
    { skip },
  );
}

test('a Worker can not', async () => {
  const worker = new Worker(fixture('identity-worker'));
  const exited = once(worker, 'exit');
  const [codes] = (await once(worker, 'message')) as [string[]];
  await exited;
  assert.deepEqual(codes, Array(5).fill('ERR_WORKER_UNSUPPORTED_OPERATION'));
});
