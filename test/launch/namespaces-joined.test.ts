import assert from 'node:assert/strict';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { startProcess } from '#dist/process/index.js';
import { attempt } from '#dist/syscall/call.js';
import { CLONE } from '#dist/syscall/constants.js';
import { errorName } from '#dist/syscall/errors.js';
import { needsOption } from '../helpers/backend.js';
import { noHandles, noPlainNamespaces, noTimeNamespaces } from '../helpers/facilities.js';
import { asRoot, assertFails } from '../helpers/identity.js';
import {
  KINDS,
  lackOf,
  others,
  ROOT_MAP,
  withNamespace,
  withSleeper,
} from '../helpers/namespaces.js';
import { stateOf } from '../helpers/state.js';
import { test } from '../helpers/test.js';

test(
  'namespaces.time joins a time namespace with an offset', // Go's TestCloneTimeNamespace
  async (context) => {
    const lack = await lackOf({ namespaces: { time: true } });
    if (lack !== false) return context.skip(lack);
    // unshare(1) makes one that is an hour ahead, and sleeps in it.
    const child = await startProcess(
      '/usr/bin/unshare',
      ['unshare', '--time', '--boottime', '3600', 'sleep', '60'],
      {},
    );
    try {
      while (readFileSync(`/proc/${child.pid}/comm`, 'utf8') !== 'sleep\n') {
        await new Promise(setImmediate);
      }
      await withNamespace(child.pid, 'time', async (fd) => {
        const inside = await stateOf({ namespaces: { time: fd } });
        const outside = await stateOf();
        assert.deepEqual(others(inside), ['time']);
        assert.ok(Math.abs(inside.bootTime - outside.bootTime - 3600) < 60);
      });
    } finally {
      child.signal('SIGKILL');
      await child.wait();
    }
  },
  {
    skip: asRoot.skip || (existsSync('/usr/bin/unshare') ? false : 'unshare is not installed'),
  },
);

test(
  'each kind of namespace can be joined with a descriptor',
  async (context) => {
    const kinds = KINDS.filter((kind) => kind !== 'time' || noTimeNamespaces === false);
    const namespaces = Object.fromEntries(kinds.map((kind) => [kind, true]));
    await withSleeper(
      { namespaces: { ...namespaces, uidMap: ROOT_MAP, gidMap: ROOT_MAP } },
      async (fds) => {
        for (const kind of kinds) {
          const state = await stateOf({ namespaces: { [kind]: fds[kind] } });
          assert.deepEqual(others(state), [kind], kind);
        }
        // All at once: the user namespace first, which has power over the others.
        const rest = kinds.filter((kind) => kind !== 'pid');
        const joined = Object.fromEntries(rest.map((kind) => [kind, fds[kind]]));
        assert.deepEqual(others(await stateOf({ namespaces: joined })), rest);
        const inside = await stateOf({ namespaces: { pid: fds.pid } });
        assert.deepEqual([inside.ppid, inside.pid > 1], [0, true]);
        // The launching thread is back where it was.
        assert.deepEqual(others(await stateOf()), []);
      },
    );
    if (noTimeNamespaces !== false) context.skip(noTimeNamespaces);
  },
  { skip: asRoot.skip || noPlainNamespaces },
);

test(
  'a namespace can be joined with a pidfd',
  async () => {
    const child = await startProcess('/bin/sleep', ['sleep', '60'], { namespaces: { net: true } });
    try {
      const state = await child.withHandle((net) => stateOf({ namespaces: { net } }));
      assert.deepEqual([others(state), state.netDevices], [['net'], ['lo']]);
    } finally {
      child.signal('SIGKILL');
      await child.wait();
    }
  },
  { skip: asRoot.skip || noPlainNamespaces || noHandles },
);

/** What setns(2) says here of a descriptor that is not one of a namespace. */
function refusalOf(fd: number): string {
  const code = errorName(-attempt('setns', fd, CLONE.CLONE_NEWUTS));
  // A container's filter does not look at the descriptor.
  const expected = fd === 9999 ? 'EBADF' : 'EINVAL';
  assert.ok(code === expected || (code === 'EPERM' && noPlainNamespaces !== false), code);
  return code;
}

test(
  'joining a descriptor that is not a namespace fails by name',
  async (context) => {
    needsOption('namespaces');
    const none = openSync('/dev/null', 'r');
    try {
      const code = refusalOf(none);
      for (const kind of KINDS) {
        await assertFails(
          { namespaces: { [kind]: none } },
          { step: 'setns', code, argument: `${kind} ${none}` },
        );
      }
    } finally {
      closeSync(none);
    }
    const code = refusalOf(9999);
    for (const kind of ['net', 'pid']) {
      await assertFails(
        { namespaces: { [kind]: 9999 } },
        { step: 'setns', code, argument: `${kind} 9999` },
      );
    }
    if (noPlainNamespaces !== false) return context.skip(noPlainNamespaces);
    await withSleeper({ namespaces: { net: true } }, async ({ net }) => {
      // A descriptor of a namespace of another kind.
      await assertFails(
        { namespaces: { uts: net } },
        { step: 'setns', code: 'EINVAL', argument: `uts ${net}` },
      );
    });
    assert.deepEqual(others(await stateOf()), []);
  },
  asRoot,
);
