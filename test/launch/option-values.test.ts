// Every option is refused for what it can't be, by its path, before anything is started.

import { type LaunchOptions, launchOptionNames } from '#dist/launch/order.js';
import { assertRefused } from '../helpers/identity.js';
import { ROOT_MAP } from '../helpers/namespaces.js';
import { test } from '../helpers/test.js';

/** What each can't be, and the path that is blamed. */
const bad: Record<keyof LaunchOptions, readonly (readonly [value: unknown, path?: string])[]> = {
  cwd: [[5], ['a\0b'], [new URL('https://example.com/')]],
  env: [[5], [{ X: 5 }, 'env.X'], [{ X: '\0' }, 'env.X'], [{ '': 'x' }], [{ 'a=b': 'x' }]],
  clearEnv: [[1], ['yes']],
  argv0: [[5], ['a\0b']],
  path: [[5], ['a\0b']],
  session: [[1], ['yes']],
  processGroup: [['0'], [-1], [1.5], [2 ** 30]],
  controllingTerminal: [['0'], [-1], [2 ** 30], [1.5]],
  detachTerminal: [[1], ['yes']],
  foreground: [['0'], [-1], [true], [2 ** 30]],
  parentDeathSignal: [['SIGNOTHING'], ['TERM'], [0], [65], ['toString']],
  credential: [[null], ['root'], [{ Uid: 0 }, 'credential.Uid'], [{ uid: -1 }, 'credential.uid']],
  chroot: [[1], ['a\0b']],
  umask: [['022'], [-1], [0o1000], [Number.NaN]],
  ptrace: [[1], ['yes']],
  signals: [[5], [{ masks: [] }, 'signals.masks'], [{ ignore: [9] }, 'signals.ignore[0]']],
  rlimits: [
    [5],
    [{ files: 5 }, 'rlimits.files'],
    [{ core: -1 }, 'rlimits.core'],
    [{ core: [2, 1] }, 'rlimits.core'],
    [{ core: [1] }, 'rlimits.core'],
    [{ core: ['a', 1] }, 'rlimits.core[0]'],
  ],
  nice: [['5'], [20], [-21], [0.5]],
  oomScoreAdj: [['5'], [1001], [-1001], [0.5]],
  cpuAffinity: [[0], [[]], [[-1], 'cpuAffinity[0]'], [[0, 8192], 'cpuAffinity[1]']],
  scheduler: [
    ['batch'],
    [{ policy: 'fast' }, 'scheduler.policy'],
    [{ policy: 'fifo' }, 'scheduler.priority'],
    [{ policy: 'fifo', priority: 100 }, 'scheduler.priority'],
    [{ policy: 'batch', priority: 1 }, 'scheduler.priority'],
    [{ policy: 'deadline' }, 'scheduler.runtime'],
    [{ policy: 'deadline', runtime: 5000, deadline: 4000 }, 'scheduler.runtime'],
  ],
  ioPriority: [
    ['idle'],
    [{ class: 'none', level: 1 }, 'ioPriority.level'],
    [{ class: 'best' }, 'ioPriority.class'],
    [{ class: 'best-effort', level: 8 }, 'ioPriority.level'],
  ],
  noNewPrivileges: [[1], ['yes']],
  capabilities: [
    [[]],
    [{ effective: [] }, 'capabilities.effective'],
    [{ ambient: ['KILL'] }, 'capabilities.ambient[0]'],
    [{ bounding: [], ambient: ['CAP_KILL'] }, 'capabilities.ambient'],
  ],
  securebits: [['SECBIT_NOROOT'], [['NOROOT'], 'securebits[0]']],
  namespaces: [
    [5],
    [null],
    [{ network: true }, 'namespaces.network'],
    [{ net: 'yes' }, 'namespaces.net'],
    [{ net: -1 }, 'namespaces.net'],
    [{ net: 2 ** 30 }, 'namespaces.net'],
    [{ uidMap: ROOT_MAP }, 'namespaces.uidMap'],
    [{ gidMap: ROOT_MAP, user: 5 }, 'namespaces.gidMap'],
    [{ setgroups: 'allow' }, 'namespaces.setgroups'],
    [{ user: true, setgroups: 'yes' }, 'namespaces.setgroups'],
    [{ user: true, uidMap: [] }, 'namespaces.uidMap'],
    [{ user: true, uidMap: [5] }, 'namespaces.uidMap[0]'],
    [{ user: true, uidMap: [{ inside: 0, outside: 0, count: 0 }] }, 'namespaces.uidMap[0].count'],
    [{ user: true, gidMap: [{ inside: -1, outside: 0, count: 1 }] }, 'namespaces.gidMap[0].inside'],
    [{ user: true, net: 5 }, 'namespaces.net'],
  ],
  cgroup: [[true], [null], [-1], ['a\0b']],
};

for (const name of launchOptionNames) {
  test(`${name} is refused for what it can not be, by its path`, async () => {
    for (const [value, path = name] of bad[name]) await assertRefused({ [name]: value }, path);
  });
}

test('a map of too many ranges, and one of ids beyond the last, are refused', async () => {
  const many = Array.from({ length: 341 }, (_, n) => ({ inside: n, outside: n, count: 1 }));
  await assertRefused({ namespaces: { user: true, uidMap: many } }, 'namespaces.uidMap');
  const last = [{ inside: 0, outside: 0xffff_ffff, count: 1 }];
  await assertRefused({ namespaces: { user: true, uidMap: last } }, 'namespaces.uidMap[0].outside');
});
