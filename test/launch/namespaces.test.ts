import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '#dist/index.js';
import { type ProcessAttributes, startProcess } from '#dist/process/index.js';
import { noNamespaces, noPlainNamespaces } from '../helpers/facilities.js';
import { asRoot, attemptBy, NOBODY } from '../helpers/identity.js';
import {
  KINDS,
  lackOf,
  others,
  ROOT_MAP,
  withMountPoint,
  withNamespace,
  withSleeper,
} from '../helpers/namespaces.js';
import { stateOf, withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

type Namespaces = NonNullable<ProcessAttributes['namespaces']>;

/** Real, effective and saved. */
function ids(id: number): number[] {
  return [id, id, id];
}

for (const kind of KINDS) {
  test(`a child gets a new ${kind} namespace and no other`, async (context) => {
    const namespaces: Namespaces = { [kind]: true };
    const lack = await lackOf({ namespaces });
    if (lack !== false) return context.skip(lack);
    assert.deepEqual(others(await stateOf({ namespaces })), [kind]);
    assert.deepEqual(others(await stateOf({ namespaces: { [kind]: false } })), []);
  });
}

test('all kinds of namespaces can be new at once, with every launcher', async (context) => {
  const namespaces: Namespaces = {
    ...Object.fromEntries(KINDS.map((kind) => [kind, true])),
    uidMap: ROOT_MAP,
    gidMap: [{ inside: 0, outside: process.getgid?.() ?? 0, count: 1 }],
  };
  const lack = await lackOf({ namespaces });
  if (lack !== false) return context.skip(lack);
  const state = await stateOf({ namespaces });
  assert.deepEqual(others(state), [...KINDS]);
  assert.deepEqual(
    [state.uids, state.gids],
    [
      [0, 0, 0],
      [0, 0, 0],
    ],
  );
  assert.equal(state.pid, 1);
});

test(
  'an unprivileged process can make namespaces together with a user namespace',
  async () => {
    const id = NOBODY.uid;
    const namespaces: Namespaces = {
      user: true,
      net: true,
      mount: true,
      uidMap: [{ inside: 0, outside: id, count: 1 }],
      gidMap: [{ inside: 0, outside: id, count: 1 }],
    };
    const { state, failure } = await attemptBy({ credential: NOBODY }, { namespaces });
    assert.deepEqual(failure, undefined);
    assert.deepEqual(state?.netDevices, ['lo']);
    assert.deepEqual([state?.uids[0], state?.setgroups], [0, 'deny\n']);
    // Without the user namespace nothing of it is allowed.
    const refused = await attemptBy({ credential: NOBODY }, { namespaces: { net: true } });
    assert.deepEqual(refused.failure, { step: 'clone', code: 'EPERM', argument: 'net' });
  },
  { skip: asRoot.skip || noNamespaces },
);

test(
  'a process in a new pid namespace is number 1, and its children end with it',
  async () => {
    const state = await stateOf({ namespaces: { pid: true } });
    assert.deepEqual([state.pid, state.ppid], [1, 0]);
    assert.match(state.status['NSpid'] ?? '', /^\d+\t1$/);
    await withFolder(async (folder) => {
      const file = join(folder, 'pid');
      // The child is told by its number outside, since /proc is that of outside.
      const script = `sh -c 'cut -d" " -f1 /proc/self/stat > ${file}; exec sleep 60' & while [ ! -s ${file} ]; do sleep 0.01; done`;
      const first = await startProcess('/bin/sh', ['sh', '-c', script], {
        namespaces: { pid: true },
      });
      assert.equal(String(await first.wait()), 'exit status 0');
      assert.equal(existsSync(`/proc/${readFileSync(file, 'utf8').trim()}`), false);
    });
  },
  { skip: asRoot.skip || noPlainNamespaces },
);

test(
  'a new network namespace has only lo, which is down', // Go's TestUnshare
  async () => {
    const before = (await stateOf()).netDevices;
    assert.deepEqual((await stateOf({ namespaces: { net: true } })).netDevices, ['lo']);
    assert.deepEqual((await stateOf()).netDevices, before);
    const { stdout } = await run('cat', ['/sys/class/net/lo/operstate', '/proc/net/route'], {
      namespaces: { net: true },
      reject: false,
    });
    assert.equal(
      stdout
        .trim()
        .split('\n')
        .filter((line) => line.startsWith('eth')).length,
      0,
    );
  },
  { skip: asRoot.skip || noPlainNamespaces },
);

test(
  'mounts in a new mount namespace stay inside', // Go's TestUnshareMountNameSpace
  () =>
    withMountPoint(async (_folder, point) => {
      const script = `mount -t tmpfs none ${point} && echo here > ${point}/file && cat ${point}/file`;
      const { stdout } = await run('sh', ['-c', script], { namespaces: { mount: true } });
      assert.equal(stdout, 'here');
      assert.equal(existsSync(join(point, 'file')), false);
      rmdirSync(point); // EBUSY if it were mounted here
    }),
  { skip: asRoot.skip || noPlainNamespaces },
);

test(
  'mounts of a new mount namespace do not propagate to a shared mount outside',
  () =>
    withMountPoint(async (_folder, point) => {
      // A launcher with shared mounts of its own, so that nothing of this system is changed.
      const inner = `mount -t tmpfs none ${point} && touch ${point}/file; grep -c shared: /proc/self/mountinfo`;
      const script = `mount --make-rshared / && node=$0 && "$node" -e '
        import("${new URL('../../../dist/index.js', import.meta.url).pathname}").then(async ({ run }) => {
          const { stdout } = await run("sh", ["-c", process.argv.at(-1)], { namespaces: { mount: true }, reject: false });
          console.log(stdout, require("fs").existsSync("${point}/file"));
        });' '${inner}'`;
      const { stdout } = await run('sh', ['-c', script, process.execPath], {
        namespaces: { mount: true },
      });
      assert.equal(stdout, '0 false');
    }),
  { skip: asRoot.skip || noPlainNamespaces },
);

test(
  'chroot works in a new mount namespace', // Go's TestUnshareMountNameSpaceChroot
  () =>
    withMountPoint(async (folder, point) => {
      // The root is made by the first program, in a namespace that the second joins.
      const holder = `mount --bind / ${point} && touch ${folder}/ready && exec sleep 60`;
      const child = await startProcess('/bin/sh', ['sh', '-c', holder], {
        namespaces: { mount: true },
      });
      try {
        while (!existsSync(join(folder, 'ready'))) await new Promise(setImmediate);
        assert.equal(existsSync(join(point, 'bin')), false, 'it is not mounted here');
        await withNamespace(child.pid, 'mount', async (fd) => {
          const { stdout } = await run('sh', ['-c', 'pwd; ls -d /bin'], {
            namespaces: { mount: fd },
            chroot: point,
          });
          assert.equal(stdout, '/\n/bin');
        });
      } finally {
        child.signal('SIGKILL');
        await child.wait();
      }
      rmdirSync(point);
    }),
  { skip: asRoot.skip || noPlainNamespaces },
);

test(
  'a program in a new uts namespace sets its own host name',
  async () => {
    const { stdout } = await run('sh', ['-c', 'hostname inside && uname -n'], {
      namespaces: { uts: true },
    });
    assert.equal(stdout, 'inside');
    assert.notEqual((await stateOf()).hostname, 'inside');
  },
  { skip: asRoot.skip || noPlainNamespaces },
);

test(
  'a new ipc namespace has its own message queues',
  async () => {
    const list = [
      'sh',
      ['-c', 'ipcmk -Q >/dev/null && tail -n +2 /proc/sysvipc/msg | wc -l'],
    ] as const;
    const { stdout } = await run(...list, { namespaces: { ipc: true } });
    assert.equal(stdout.trim(), '1');
    assert.equal(readFileSync('/proc/sysvipc/msg', 'utf8').trim().split('\n').length, 1);
  },
  {
    skip:
      asRoot.skip ||
      noPlainNamespaces ||
      (existsSync('/usr/bin/ipcmk') ? false : 'ipcmk is not installed'),
  },
);

test(
  'parentDeathSignal works in a new pid namespace',
  async () => {
    for (const namespaces of [{ pid: true }, { pid: true, user: true, uidMap: ROOT_MAP }]) {
      const state = await stateOf({ namespaces, parentDeathSignal: 'SIGKILL' });
      assert.deepEqual([state.pid, state.parentDeathSignal], [1, 9]);
    }
    await withSleeper({ namespaces: { pid: true } }, async ({ pid }) => {
      const state = await stateOf({ namespaces: { pid }, parentDeathSignal: 'SIGKILL' });
      assert.deepEqual([state.ppid, state.parentDeathSignal], [0, 9]);
    });
  },
  { skip: asRoot.skip || noPlainNamespaces },
);

test(
  'namespaces work together with chroot, credential and a parent-death signal',
  async () => {
    const map = [{ inside: 0, outside: 0, count: 70_000 }];
    const state = await stateOf({
      namespaces: {
        user: true,
        pid: true,
        mount: true,
        uidMap: map,
        gidMap: map,
        setgroups: 'allow',
      },
      chroot: '/',
      credential: { uid: 0, gid: 1000, groups: [5] },
      parentDeathSignal: 'SIGTERM',
    });
    assert.deepEqual([state.uids, state.gids], [ids(0), ids(1000)]);
    assert.deepEqual([state.groups, state.root], [[5], '/']);
    assert.deepEqual([state.pid, state.parentDeathSignal], [1, 15]);
  },
  { skip: asRoot.skip || noNamespaces },
);
