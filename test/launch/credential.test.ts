import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { backend } from '#dist/backend.js';
import { run } from '#dist/index.js';
import { type ProcessAttributes, startProcess, startProcessSync } from '#dist/process/index.js';
import { attempt } from '#dist/syscall/call.js';
import { PR } from '#dist/syscall/constants.js';
import { noNamespaces } from '../helpers/facilities.js';
import { optionsOf } from '../helpers/flags.js';
import {
  asRoot,
  assertFails,
  assertRefused,
  attemptBy,
  attemptsBy,
  NOBODY,
  stateOfAnyone,
} from '../helpers/identity.js';
import { helper, withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

function same(id: number): number[] {
  return [id, id, id];
}

/** The variables of a list of `NAME=value` that say who the user is. */
function login(env: readonly string[]): string[] {
  return env.filter((text) => /^(HOME|USER|LOGNAME)=/.test(text)).sort();
}

/** A user of this system, with several groups if there is such a one. */
function someUser(): { name: string; uid: number; gid: number; home: string; groups: number[] } {
  const users = readFileSync('/etc/passwd', 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const [name = '', , uid, gid, , home = ''] = line.split(':');
      const groups = execFileSync('id', ['-G', name], { encoding: 'utf8' }).trim().split(' ');
      return { name, uid: Number(uid), gid: Number(gid), home, groups: groups.map(Number).sort() };
    });
  const others = users.filter(({ uid }) => uid !== 0);
  others.sort((a, b) => b.groups.length - a.groups.length);
  return others[0] as (typeof others)[0];
}

test(
  'credential sets groups and the real, effective and saved ids',
  async () => {
    const state = await stateOfAnyone({
      credential: { uid: 1234, gid: 2345, groups: [7, 70_000] },
    });
    assert.deepEqual(state.uids, same(1234));
    assert.deepEqual(state.gids, same(2345));
    assert.deepEqual(state.groups, [7, 70_000]);
    assert.equal(state.status['CapEff'], '0000000000000000');
  },
  asRoot,
);

test(
  'credential accepts the largest ids and 65536 groups',
  async () => {
    const groups = Array.from({ length: 65536 }, (_, index) => index);
    const last = 0xffff_fffe;
    const state = await stateOfAnyone({ credential: { uid: last, gid: last, groups } });
    assert.deepEqual([state.uids, state.gids], [same(last), same(last)]);
    assert.deepEqual(state.groups, groups);
  },
  asRoot,
);

test(
  'credential drops the supplementary groups of the parent without keepGroups',
  async () => {
    const parent = { credential: { uid: 0, gid: 0, groups: [4, 27] } };
    const list: ProcessAttributes[] = [
      {},
      { credential: { uid: 65534 } },
      { credential: { gid: 65534 } },
      { credential: {} },
      { credential: { uid: 0, gid: 0 } }, // Go's TestGroupCleanup
      { credential: { groups: [5] } },
      { credential: { uid: 65534, gid: 65534, keepGroups: true } },
    ];
    const states = (await attemptsBy(parent, list)).map(({ state }) => state);
    const groups = [[4, 27], [], [], [], [], [5], [4, 27]];
    assert.deepEqual(
      states.map((state) => state?.groups),
      groups,
    );
    assert.deepEqual(states[1]?.gids, same(0));
    assert.deepEqual(states[2]?.uids, same(0));
  },
  asRoot,
);

test(
  'credential.user sets the id, all groups, HOME, USER and LOGNAME of the user',
  async () => {
    const { name, uid, gid, home, groups } = someUser();
    const state = await stateOfAnyone({ credential: { user: name } });
    assert.deepEqual(state.uids, same(uid));
    assert.deepEqual(state.gids, same(gid));
    assert.deepEqual(state.groups.sort(), groups);
    assert.deepEqual(login(state.env), [`HOME=${home}`, `LOGNAME=${name}`, `USER=${name}`]);
    assert.ok(state.env.includes(`PATH=${process.env['PATH']}`), 'the rest is inherited');
  },
  asRoot,
);

test(
  'env overrides HOME, USER and LOGNAME of credential.user',
  async () => {
    const { name, home } = someUser();
    const credential = { user: name };
    const given = await stateOfAnyone({ credential, env: { HOME: '/there', USER: undefined } });
    assert.deepEqual(login(given.env), ['HOME=/there', `LOGNAME=${name}`]);
    const cleared = await stateOfAnyone({ credential, clearEnv: true, env: { A: 'b' } });
    const expected = ['A=b', `HOME=${home}`, `LOGNAME=${name}`, `USER=${name}`];
    assert.deepEqual(cleared.env.sort(), expected);
    const { env } = await stateOfAnyone({ credential: { uid: 65534 } });
    assert.deepEqual(login(env), login(Object.entries(process.env).map((pair) => pair.join('='))));
  },
  asRoot,
);

test(
  'commands accept a credential',
  async () => {
    const { stdout } = await run('id', ['-u'], { credential: NOBODY });
    assert.equal(stdout, '65534');
  },
  asRoot,
);

test(
  'an unprivileged process may set its own ids if it keeps the groups', // Go's TestCredentialNoSetGroups
  async () => {
    const own = { ...NOBODY, keepGroups: true };
    const { state } = await attemptBy({ credential: NOBODY }, { credential: own });
    assert.deepEqual([state?.uids, state?.gids], [same(65534), same(65534)]);
  },
  asRoot,
);

test(
  'each step of credential fails by name without the privilege',
  async () => {
    const list: ProcessAttributes[] = [
      { credential: NOBODY },
      { credential: { ...NOBODY, groups: [1, 2] } },
      { credential: { gid: 1, keepGroups: true } },
      { credential: { uid: 0, keepGroups: true } },
    ];
    const attempts = await attemptsBy({ credential: NOBODY }, list);
    assert.deepEqual(attempts, [
      { failure: { step: 'setgroups', code: 'EPERM', argument: '' } },
      { failure: { step: 'setgroups', code: 'EPERM', argument: '1,2' } },
      { failure: { step: 'setgid', code: 'EPERM', argument: '1' } },
      { failure: { step: 'setuid', code: 'EPERM', argument: '0' } },
    ]);
  },
  asRoot,
);

test(
  'cwd is entered with the permissions of the new user',
  async () => {
    await withFolder(async (folder) => {
      const failure = { step: 'chdir', code: 'EACCES', argument: folder };
      await assertFails({ credential: NOBODY, cwd: folder }, failure);
    });
  },
  asRoot,
);

test(
  'the parent-death signal is set after the change of user',
  async () => {
    const state = await stateOfAnyone({ credential: NOBODY, parentDeathSignal: 'SIGTERM' });
    assert.equal(state.parentDeathSignal, 15);
  },
  asRoot,
);

test(
  'launches on several threads with a credential leave this process dumpable',
  async () => {
    const dumpable = attempt('prctl', PR.PR_GET_DUMPABLE);
    if (backend === 'linux') assert.equal(dumpable, 1); // a child by fork shares no such flag
    try {
      for (let round = 0; round < 50; round++) {
        const later = Array.from({ length: 6 }, () =>
          startProcess('/bin/true', ['true'], { credential: NOBODY }),
        );
        const now = Array.from({ length: 4 }, () =>
          startProcessSync('/bin/true', ['true'], { credential: NOBODY }),
        );
        const all = [...now, ...(await Promise.all(later))];
        await Promise.all(all.map((child) => child.wait()));
        assert.equal(attempt('prctl', PR.PR_GET_DUMPABLE), dumpable, `round ${round}`);
      }
    } finally {
      attempt('prctl', PR.PR_SET_DUMPABLE, 1);
    }
  },
  asRoot,
);

const strace = spawnSync('strace', ['-V']).error === undefined;

test(
  'a credential signals no thread of the parent and changes none',
  async () => {
    await withFolder((folder) => {
      const trace = join(folder, 'trace');
      const words = [helper('launch-each.js'), '/none', JSON.stringify([{ credential: NOBODY }])];
      const calls = 'tgkill,setgroups,setgid,setuid,setresuid,setresgid,clone,clone3,vfork';
      const traced = ['-f', '-o', trace, '-e', `trace=${calls}`, process.execPath, ...words];
      spawnSync('strace', traced, { stdio: 'ignore' });
      const lines = readFileSync(trace, 'utf8').split('\n');
      const changes = lines.filter((line) => /set\w+\(/.test(line));
      assert.equal(new Set(changes.map((line) => line.split(' ')[0])).size, 1, changes.join('\n'));
      assert.equal(changes.length, 3);
      const signals = lines.filter((line) => line.includes('tgkill('));
      assert.deepEqual(signals, []);
    });
  },
  { skip: asRoot.skip || (strace ? false : 'strace is not installed') },
);

test('invalid credentials are refused by name', async () => {
  const refused: [credential: unknown, path: string][] = [
    [null, 'credential'],
    ['nobody', 'credential'],
    [{ Uid: 1 }, 'credential.Uid'],
    [{ uid: -1 }, 'credential.uid'],
    [{ uid: 0xffff_ffff }, 'credential.uid'],
    [{ uid: 1.5 }, 'credential.uid'],
    [{ uid: '1' }, 'credential.uid'],
    [{ gid: Number.NaN }, 'credential.gid'],
    [{ groups: 5 }, 'credential.groups'],
    [{ groups: [1, -1] }, 'credential.groups[1]'],
    [{ groups: new Array(65537).fill(1) }, 'credential.groups'],
    [{ groups: [1], keepGroups: true }, 'credential.groups'],
    [{ keepGroups: 1 }, 'credential.keepGroups'],
    [{ user: 'no-such-user' }, 'credential.user'],
    [{ user: '' }, 'credential.user'],
    [{ user: 1000 }, 'credential.user'],
    [{ user: 'a\0b' }, 'credential.user'],
    [{ user: 'root', uid: 0 }, 'credential.uid'],
    [{ user: 'root', keepGroups: true }, 'credential.keepGroups'],
  ];
  for (const [credential, path] of refused) await assertRefused({ credential }, path);
});

test(
  // Go's TestEmptyCredGroupsDisableSetgroups
  'a credential in a user namespace that denies setgroups drops no groups',
  async () => {
    const map = [{ inside: 0, outside: 0, count: 1 }];
    const namespaces = { user: true, uidMap: map, gidMap: map };
    const state = await stateOfAnyone({ namespaces, credential: { uid: 0, gid: 0 } });
    assert.equal(state.setgroups, 'deny\n');
    const failure = { step: 'setgroups', code: 'EPERM', argument: '0' };
    await assertFails({ namespaces, credential: { groups: [0] } }, failure);
    const allowed = { ...namespaces, setgroups: 'allow' } as const;
    const dropped = await stateOfAnyone({ namespaces: allowed, credential: {} });
    assert.deepEqual(dropped.groups, []);
  },
  { skip: asRoot.skip || noNamespaces },
);

test('the flags for credential set the option', async () => {
  assert.deepEqual(optionsOf('--uid 5', '--gid 6', '--groups 7,8'), {
    credential: { uid: 5, gid: 6, groups: [7, 8] },
  });
  assert.deepEqual(optionsOf('--groups '), { credential: { groups: [] } });
  assert.deepEqual(optionsOf('--uid 5', '--keep-groups'), {
    credential: { uid: 5, keepGroups: true },
  });
  assert.deepEqual(optionsOf('--user nobody'), { credential: { user: 'nobody' } });
  await assertRefused(optionsOf('--uid x'), 'credential.uid');
  await assertRefused(optionsOf('--uid '), 'credential.uid');
  await assertRefused(optionsOf('--groups 1,,2'), 'credential.groups[1]');
  await assertRefused(optionsOf('--user root', '--uid 0'), 'credential.uid');
});
