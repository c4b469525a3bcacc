import assert from 'node:assert/strict';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { startProcess } from '#dist/process/index.js';
import { noHandles, noNamespaces, noTimeNamespaces } from '../helpers/facilities.js';
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
  'a time namespace with an offset is joined by its descriptor', // Go's TestCloneTimeNamespace
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
  'each can be joined by a descriptor',
  async () => {
    const namespaces = Object.fromEntries(KINDS.map((kind) => [kind, true]));
    await withSleeper(
      { namespaces: { ...namespaces, uidMap: ROOT_MAP, gidMap: ROOT_MAP } },
      async (fds) => {
        for (const kind of KINDS) {
          const state = await stateOf({ namespaces: { [kind]: fds[kind] } });
          assert.deepEqual(others(state), [kind], kind);
        }
        // All at once: the user namespace first, which has power over the others.
        const { pid, ...rest } = fds;
        assert.deepEqual(
          others(await stateOf({ namespaces: rest })),
          KINDS.filter((kind) => kind !== 'pid'),
        );
        const inside = await stateOf({ namespaces: { pid } });
        assert.deepEqual([inside.ppid, inside.pid > 1], [0, true]);
        // The launching thread is back where it was.
        assert.deepEqual(others(await stateOf()), []);
      },
    );
  },
  { skip: asRoot.skip || noTimeNamespaces },
);

test(
  'one is joined by a pidfd as well',
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
  { skip: asRoot.skip || noNamespaces || noHandles },
);

test(
  'what is no namespace can not be joined, and the step is named',
  async () => {
    const none = openSync('/dev/null', 'r');
    try {
      for (const kind of KINDS) {
        await assertFails(
          { namespaces: { [kind]: none } },
          { step: 'setns', code: 'EINVAL', argument: `${kind} ${none}` },
        );
      }
      await assertFails(
        { namespaces: { net: 9999 } },
        { step: 'setns', code: 'EBADF', argument: 'net 9999' },
      );
      await assertFails(
        { namespaces: { pid: 9999 } },
        { step: 'setns', code: 'EBADF', argument: 'pid 9999' },
      );
    } finally {
      closeSync(none);
    }
    await withSleeper({ namespaces: { net: true } }, async ({ net }) => {
      // A descriptor of a namespace of another kind.
      await assertFails(
        { namespaces: { uts: net } },
        { step: 'setns', code: 'EINVAL', argument: `uts ${net}` },
      );
    });
    assert.deepEqual(others(await stateOf()), []);
  },
  { skip: asRoot.skip || noNamespaces },
);
