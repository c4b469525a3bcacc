import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ProcessAttributes, startProcess, startProcessSync } from '#dist/process/index.js';
import { needsOption } from '../helpers/backend.js';
import { noNamespaces } from '../helpers/facilities.js';
import {
  type Attempt,
  asRoot,
  assertFails,
  assertRefused,
  attemptBy,
  attemptsBy,
  NOBODY,
  stateOfAnyone,
  withOpenFolder,
} from '../helpers/identity.js';
import { ROOT_MAP } from '../helpers/namespaces.js';
import { childrenOf } from '../helpers/other.js';
import { patience } from '../helpers/patience.js';
import { helper, stateOf } from '../helpers/state.js';
import { test } from '../helpers/test.js';

type Namespaces = NonNullable<ProcessAttributes['namespaces']>;

const ROOT = [0, 0, 0];
const NOBODY_MAP = [{ inside: 0, outside: NOBODY.uid, count: 1 }];

test(
  'root and other users become root of a new user namespace', // Go's TestCloneNEWUSERAndRemap
  async () => {
    const rows: [parent: ProcessAttributes, map: typeof ROOT_MAP, expected: Attempt['failure']][] =
      [
        [{}, ROOT_MAP, undefined],
        [
          { credential: NOBODY },
          NOBODY_MAP,
          // Without a privilege outside, the groups of others could be dropped.
          { step: 'user_namespaces', code: 'EPERM', argument: 'gid_map' },
        ],
      ];
    for (const [parent, map, refusal] of rows) {
      const namespaces: Namespaces = { user: true, uidMap: map, gidMap: map };
      const [denied, allowed] = await attemptsBy(parent, [
        { namespaces },
        { namespaces: { ...namespaces, setgroups: 'allow' } },
      ]);
      assert.deepEqual(denied?.failure, undefined);
      assert.deepEqual([denied?.state?.uids, denied?.state?.gids], [ROOT, ROOT]);
      assert.equal(denied?.state?.setgroups, 'deny\n');
      assert.deepEqual(allowed?.failure, refusal);
      if (refusal === undefined) assert.equal(allowed?.state?.setgroups, 'allow\n');
    }
  },
  { skip: asRoot.skip || noNamespaces },
);

test(
  'id maps are those given, and without maps every user is the overflow user',
  async () => {
    const uidMap = [
      { inside: 0, outside: 0, count: 1 },
      { inside: 1000, outside: 100_000, count: 5000 },
    ];
    const gidMap = [{ inside: 0, outside: 0, count: 10 }];
    const { uidMap: uids, gidMap: gids } = await stateOf({
      namespaces: { user: true, uidMap, gidMap },
    });
    const numbers = (text: string): number[][] =>
      text
        .trim()
        .split('\n')
        .map((line) => line.trim().split(/\s+/).map(Number));
    assert.deepEqual(numbers(uids), [
      [0, 0, 1],
      [1000, 100_000, 5000],
    ]);
    assert.deepEqual(numbers(gids), [[0, 0, 10]]);
    const none = await stateOfAnyone({ namespaces: { user: true } });
    assert.deepEqual([none.uids[0], none.gids[0], none.uidMap], [65534, 65534, '']);
    const one = await stateOf({ namespaces: { user: true, uidMap } });
    assert.deepEqual([one.uids[0], one.gids[0], one.setgroups], [0, 65534, 'allow\n']);
    const denied = await stateOf({ namespaces: { user: true, uidMap, setgroups: 'deny' } });
    assert.deepEqual([denied.uids[0], denied.setgroups], [0, 'deny\n']);
    const most = Array.from({ length: 340 }, (_, n) => ({ inside: n, outside: n, count: 1 }));
    const { uidMap: long } = await stateOf({ namespaces: { user: true, uidMap: most } });
    assert.equal(numbers(long).length, 340);
  },
  { skip: asRoot.skip || noNamespaces },
);

test(
  'asynchronous and synchronous launches write the id maps',
  async () => {
    const namespaces: Namespaces = { user: true, uidMap: ROOT_MAP, gidMap: ROOT_MAP };
    for (const start of [startProcess, startProcessSync]) {
      const child = await start('/bin/sh', ['sh', '-c', 'exit $(id -u)'], { namespaces });
      assert.equal(String(await child.wait()), 'exit status 0');
    }
  },
  { skip: asRoot.skip || noNamespaces },
);

test(
  'supplementary groups are dropped in a new user namespace', // Go's TestGroupCleanupUserNamespace
  async () => {
    const parent: ProcessAttributes = { credential: { uid: 0, gid: 0, groups: [4, 27] } };
    const map = [{ inside: 0, outside: 0, count: 100 }];
    const namespaces: Namespaces = { user: true, uidMap: map, gidMap: map, setgroups: 'allow' };
    const credential = { uid: 0, gid: 0 };
    const { state } = await attemptBy(parent, { namespaces, credential });
    assert.deepEqual([state?.uids, state?.gids, state?.groups], [ROOT, ROOT, []]);
  },
  { skip: asRoot.skip || noNamespaces },
);

test(
  'an unprivileged process may chroot inside a new user namespace', // Go's TestUnshareUidGidMapping
  async () => {
    const namespaces: Namespaces = {
      user: true,
      mount: true,
      uidMap: NOBODY_MAP,
      gidMap: NOBODY_MAP,
    };
    const attempts = await attemptsBy({ credential: NOBODY }, [
      { namespaces, chroot: '/' },
      { chroot: '/' },
    ]);
    assert.deepEqual([attempts[0]?.state?.root, attempts[0]?.state?.uids], ['/', ROOT]);
    assert.deepEqual(attempts[1]?.failure, { step: 'chroot', code: 'EPERM', argument: '/' });
  },
  { skip: asRoot.skip || noNamespaces },
);

test(
  'an id map that the kernel refuses fails the launch with the name of its file',
  async () => {
    const twice = [...ROOT_MAP, { inside: 0, outside: 5, count: 1 }];
    const wanted: [namespaces: Namespaces, argument: string][] = [
      [{ user: true, uidMap: twice }, 'uid_map'],
      [{ user: true, uidMap: ROOT_MAP, gidMap: twice }, 'gid_map'],
    ];
    for (const [namespaces, argument] of wanted) {
      await assertFails({ namespaces }, { step: 'user_namespaces', code: 'EINVAL', argument });
    }
    const others = [{ inside: 0, outside: 1, count: 1 }];
    const attempts = await attemptsBy({ credential: NOBODY }, [
      { namespaces: { user: true, uidMap: others } },
      { namespaces: { user: true, uidMap: NOBODY_MAP, gidMap: others } },
    ]);
    assert.deepEqual(attempts, [
      { failure: { step: 'user_namespaces', code: 'EPERM', argument: 'uid_map' } },
      { failure: { step: 'user_namespaces', code: 'EPERM', argument: 'gid_map' } },
    ]);
  },
  { skip: asRoot.skip || noNamespaces },
);

test(
  'a step that fails before the id maps are written is the reported one',
  async () => {
    const namespaces: Namespaces = { user: true, uidMap: ROOT_MAP, gidMap: ROOT_MAP };
    const none = 0x3fff_ffff;
    for (let round = 0; round < 50; round++) {
      await assertFails(
        { namespaces, processGroup: none },
        { step: 'setpgid', code: 'EPERM', argument: String(none) },
      );
    }
    await assertFails(
      { namespaces, chroot: '/none' },
      { step: 'chroot', code: 'ENOENT', argument: '/none' },
    );
  },
  { skip: asRoot.skip || noNamespaces },
);

/** What the watcher waits with; on x64 the event loop uses another call. */
const WATCHING = process.arch === 'x64' ? 'epoll_wait' : 'epoll_pwait';

/** Why strace can't delay a launch here, or false. */
function withoutDelay(): string | false {
  return existsSync('/usr/bin/strace') ? false : 'strace is not installed';
}

/** The user namespace of a process; that of this process if the other has ended. */
function userNamespaceOf(pid: number | 'self'): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/user`);
  } catch {
    return readlinkSync('/proc/self/ns/user');
  }
}

test(
  'a child that is killed while it waits for its id maps does not block the launch',
  () =>
    withOpenFolder(async (folder) => {
      needsOption('namespaces');
      const namespaces: Namespaces = { user: true, uidMap: ROOT_MAP, gidMap: ROOT_MAP };
      mkdirSync(join(folder, 'trace'));
      const list = Array.from({ length: 3 }, () => ({ namespaces }));
      const words = [helper('launch-each.js'), folder, JSON.stringify(list)];
      // The watcher, which writes the maps, is held whenever it is woken.
      const traced = spawn(
        'strace',
        ['-f', '-o', join(folder, 'trace/log'), '-e', `trace=${WATCHING}`]
          .concat(['-e', `inject=${WATCHING}:delay_exit=300000`, process.execPath])
          .concat(words),
        { stdio: 'ignore' },
      );
      const exited = once(traced, 'exit');
      const seen = new Set<number>();
      const deadline = Date.now() + patience(30_000);
      let killed = 0;
      while (traced.exitCode === null && killed === 0) {
        assert.ok(Date.now() < deadline, 'no child was seen');
        await sleep(5);
        for (const node of childrenOf(traced.pid as number)) {
          for (const pid of childrenOf(node)) {
            // Another one only tries, before the first launch, whether vfork shares memory.
            if (seen.has(pid) || userNamespaceOf(pid) === userNamespaceOf('self')) continue;
            seen.add(pid);
            process.kill(pid, 'SIGKILL');
            killed = pid;
          }
        }
      }
      const [code] = await exited;
      // The launcher saw a helper that was killed; what matters is that it went on.
      assert.equal(code, 1);
    }),
  { skip: asRoot.skip || noNamespaces || withoutDelay() },
);

test('id maps without a new user namespace are refused', async () => {
  for (const key of ['uidMap', 'gidMap'] as const) {
    for (const namespaces of [{ [key]: ROOT_MAP }, { user: false, [key]: ROOT_MAP }]) {
      await assertRefused({ namespaces }, `namespaces.${key}`);
    }
    await assertRefused({ namespaces: { pid: true, [key]: ROOT_MAP } }, `namespaces.${key}`);
    await assertRefused({ namespaces: { user: 5, [key]: ROOT_MAP } }, `namespaces.${key}`);
  }
});
