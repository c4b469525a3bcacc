import assert from 'node:assert/strict';
import { type SpawnSyncOptions, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { runSync } from '#dist/index.js';
import { ownSets } from '#dist/launch/capability-sets.js';
import { type LaunchOptions, launchOptionNames } from '#dist/launch/order.js';
import { native } from '#dist/native.js';
import { CAP } from '#dist/syscall/constants.js';
import { needsLinux, needsOption } from '../helpers/backend.js';
import { withoutCgroups } from '../helpers/cgroups.js';
import { asRoot, NOBODY } from '../helpers/identity.js';
import { KINDS } from '../helpers/namespaces.js';
import { test } from '../helpers/test.js';

const bin = fileURLToPath(new URL('../../../bin/forkexec.js', import.meta.url));

interface Finding {
  option: string;
  state: 'available' | 'degraded' | 'refused';
  detail: string;
}

/** What the doctor finds for a user, or in a namespace. */
function examine(options: LaunchOptions = {}): Map<string, Finding> {
  const words = [bin, 'doctor', '--json'];
  const { stdout } = runSync(process.execPath, words, { cwd: '/', stderr: 'inherit', ...options });
  const findings = JSON.parse(stdout) as Finding[];
  return new Map(findings.map((finding) => [finding.option, finding]));
}

function show(findings: Map<string, Finding>, option: string): string {
  const { state, detail } = findings.get(option) ?? { state: 'not there', detail: '' };
  return detail === '' ? state : `${state}: ${detail}`;
}

const NAMES = [
  ...launchOptionNames.filter((name) => name !== 'namespaces'),
  ...[...KINDS, 'uidMap', 'gidMap', 'setgroups'].map((key) => `namespaces.${key}`),
];

const INSIDE = 'only together with namespaces.user';

test('every option has a line, and what is not available a reason', () => {
  const findings = examine();
  for (const name of NAMES) assert.ok(findings.has(name), `${name} is not there`);
  for (const { option, state, detail } of findings.values()) {
    assert.match(state, /^(available|degraded|refused)$/, option);
    if (option === 'backend') continue; // it says which
    assert.equal(detail === '', state === 'available', `${option}: ${detail}`);
  }
});

test('the table says the same as the JSON', () => {
  const options: SpawnSyncOptions = { stdio: ['ignore', 'pipe', 'pipe'] };
  const { stdout, status } = spawnSync(process.execPath, [bin, 'doctor'], {
    ...options,
    encoding: 'utf8',
  });
  assert.equal(status, 0);
  const findings = examine();
  const lines = stdout.trimEnd().split('\n');
  assert.equal(lines.length, findings.size);
  for (const line of lines) {
    const [, option = '', state, detail] = /^(.+?) {2,}(\w+) *(.*)$/.exec(line) ?? [];
    assert.deepEqual({ option, state, detail }, findings.get(option), line);
  }
});

function has(name: keyof typeof CAP): boolean {
  return ((ownSets().permitted >> BigInt(CAP[name])) & 1n) === 1n;
}

test(
  'root may all that its capabilities allow',
  () => {
    const findings = examine();
    const limited: Record<string, string> = {};
    if (!has('CAP_SYS_RESOURCE')) {
      limited['rlimits'] = 'degraded: only to lower them (prlimit64: EPERM)';
      limited['oomScoreAdj'] = 'degraded: only upwards, to be killed sooner (write: EACCES)';
    }
    if (withoutCgroups.skip !== false) delete limited['cgroup'];
    for (const name of NAMES) {
      if (name === 'cgroup' && (withoutCgroups.skip || !native.hasClone3())) continue;
      assert.equal(show(findings, name), limited[name] ?? 'available', name);
    }
  },
  asRoot,
);

test(
  'others may less, and are told why',
  () => {
    needsLinux('What Linux refuses to others');
    needsOption('namespaces'); // which it says would do
    const findings = examine({ credential: NOBODY });
    const expected: Record<string, string> = {
      session: 'available',
      controllingTerminal: 'available',
      foreground: 'available',
      ptrace: 'available',
      credential: 'degraded: only the own ids, with keepGroups (setgroups: EPERM)',
      chroot: `degraded: ${INSIDE} (chroot: EPERM)`,
      nice: 'degraded: only upwards, for less processor time (setpriority: EACCES)',
      scheduler: 'degraded: no real-time policies (sched_setscheduler: EPERM)',
      ioPriority: "degraded: not the class 'realtime' (ioprio_set: EPERM)",
      rlimits: 'degraded: only to lower them (prlimit64: EPERM)',
      oomScoreAdj: 'degraded: only upwards, to be killed sooner (write: EACCES)',
      capabilities: `degraded: ${INSIDE} (PR_CAPBSET_DROP: EPERM)`,
      securebits: `degraded: ${INSIDE} (PR_SET_SECUREBITS: EPERM)`,
      'namespaces.user': 'available',
      'namespaces.net': `degraded: ${INSIDE} (clone: EPERM)`,
      'namespaces.time': `degraded: ${INSIDE} (clone: EPERM)`,
      'namespaces.uidMap': 'available',
      'namespaces.gidMap': 'available',
      'namespaces.setgroups': "degraded: only 'deny' (user_namespaces: EPERM)",
    };
    if (withoutCgroups.skip === false && native.hasClone3()) {
      expected['cgroup'] = 'refused: clone: EACCES';
    }
    for (const [name, line] of Object.entries(expected)) {
      assert.equal(show(findings, name), line, name);
    }
  },
  asRoot,
);

test(
  'root of a user namespace may what that namespace allows',
  () => {
    const map = [{ inside: 0, outside: 0, count: 1 }];
    const findings = examine({ namespaces: { user: true, uidMap: map, gidMap: map } });
    const expected: Record<string, string> = {
      chroot: 'available',
      credential: 'degraded: only the own ids, with keepGroups (setgroups: EPERM)',
      capabilities: 'available',
      securebits: 'available',
      rlimits: 'degraded: only to lower them (prlimit64: EPERM)',
      'namespaces.net': 'available',
      'namespaces.mount': 'available',
      'namespaces.user': 'available',
    };
    for (const [name, line] of Object.entries(expected)) {
      assert.equal(show(findings, name), line, name);
    }
  },
  asRoot,
);
