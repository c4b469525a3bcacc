// What a process does to itself for good, in processes of their own.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { getuid } from '#dist/syscall/identity.js';
import { test } from '../helpers/test.js';
import { fixture, runFixture } from './fixtures/run.js';

const skip = getuid() === 0 ? false : 'only root may';

const silent = { code: 0, signal: null, stdout: '', stderr: '' };

test(
  'setuid, setgid and setgroups hold for all threads',
  () => assert.deepEqual(runFixture('identity', ['setters']), silent),
  { skip },
);

test(
  'unshare and setns move a thread to a namespace of its own and back',
  (t) => {
    const outcome = runFixture('identity', ['namespaces']);
    const refusal = /^SystemError: unshare: EPERM.*$/m.exec(outcome.stderr)?.[0];
    if (refusal !== undefined) return t.skip(refusal);
    assert.deepEqual(outcome, silent);
  },
  { skip },
);

test(
  'chroot changes the root of the whole process',
  () => assert.deepEqual(runFixture('identity', ['root']), silent),
  { skip },
);

test('setuid, setgid and setgroups are refused in a Worker', async () => {
  const worker = new Worker(fixture('identity-worker'));
  const exited = once(worker, 'exit');
  const [codes] = (await once(worker, 'message')) as [string[]];
  await exited;
  assert.deepEqual(codes, Array(5).fill('ERR_WORKER_UNSUPPORTED_OPERATION'));
});
