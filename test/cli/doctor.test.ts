import assert from 'node:assert/strict';
import { type SpawnSyncOptions, spawnSync } from 'node:child_process';
import { backend } from '#dist/backend.js';
import { runSync } from '#dist/index.js';
import { type LaunchOptions, launchOptionNames } from '#dist/launch/order.js';
import { native } from '#dist/native.js';
import { needsLinux, needsOption } from '../helpers/backend.js';
import { withoutCgroups } from '../helpers/cgroups.js';
import { bin } from '../helpers/cli.js';
import {
  hasCapability,
  noCloseRange,
  noExitInfo,
  noGroupByPidfd,
  noHandles,
  noPidfdOpen,
  noPidfdSignal,
  notFullRoot,
  noUserNamespaces,
  noWaitByPidfd,
} from '../helpers/facilities.js';
import { asRoot, NOBODY } from '../helpers/identity.js';
import { KINDS, lackOf } from '../helpers/namespaces.js';
import { openPath } from '../helpers/open-copy.js';
import { helper } from '../helpers/state.js';
import { test } from '../helpers/test.js';

interface Finding {
  option: string;
  state: 'available' | 'degraded' | 'refused';
  detail: string;
}

/** What the doctor finds for a user, or in a namespace. */
function examine(options: LaunchOptions = {}): Map<string, Finding> {
  const words = [openPath(bin), 'doctor', '--json'];
  const { stdout } = runSync(process.execPath, words, { cwd: '/', stderr: 'inherit', ...options });
  return byOption(stdout);
}

function byOption(json: string): Map<string, Finding> {
  const findings = JSON.parse(json) as Finding[];
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

test('doctor has a line for every option, with a reason if it is not available', () => {
  const findings = examine();
  for (const name of NAMES) assert.ok(findings.has(name), `${name} is not there`);
  for (const { option, state, detail } of findings.values()) {
    assert.match(state, /^(available|degraded|refused)$/, option);
    if (option === 'backend') continue; // it says which
    assert.equal(detail === '', state === 'available', `${option}: ${detail}`);
  }
});

test('the table of doctor has the same content as its JSON', () => {
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

/** What is left of an option where a user namespace is needed for it. */
function inside(reason: string): string {
  return noUserNamespaces ? `refused: ${reason}` : `degraded: ${INSIDE} (${reason})`;
}

/** What becomes of a namespace that this process may not make. */
async function namespaceLimits(): Promise<Record<string, string>> {
  const limits: Record<string, string> = {};
  for (const kind of KINDS) {
    const lack = kind !== 'user' && (await lackOf({ namespaces: { [kind]: true } }));
    if (lack !== false) limits[`namespaces.${kind}`] = inside(`clone: ${codeIn(lack)}`);
  }
  if (noUserNamespaces !== false) {
    for (const key of ['user', 'uidMap', 'gidMap', 'setgroups']) {
      limits[`namespaces.${key}`] = `refused: clone: ${codeIn(noUserNamespaces)}`;
    }
  }
  if (!native.hasClone3()) limits['namespaces.time'] = NO_TIME;
  return limits;
}

function codeIn(message: string): string {
  return /\bE[A-Z]+\b/.exec(message)?.[0] ?? message;
}

const NO_TIME = 'refused: clone3 is refused, and clone knows no time namespaces';

test(
  'doctor reports for root what its capabilities allow',
  async () => {
    needsLinux('What capabilities allow');
    const findings = examine();
    const limited = await namespaceLimits();
    if (!hasCapability('CAP_SYS_RESOURCE')) {
      limited['rlimits'] = 'degraded: only to lower them (prlimit64: EPERM)';
      limited['oomScoreAdj'] = 'degraded: only upwards, to be killed sooner (write: EACCES)';
    }
    if (!hasCapability('CAP_SYS_NICE')) {
      limited['nice'] = 'degraded: only upwards, for less processor time (setpriority: EACCES)';
      limited['scheduler'] = 'degraded: no real-time policies (sched_setscheduler: EPERM)';
      limited['ioPriority'] = "degraded: not the class 'realtime' (ioprio_set: EPERM)";
    }
    if (!native.hasClone3()) {
      limited['cgroup'] = 'degraded: entered after the birth, since clone3 is refused';
    }
    for (const name of NAMES) {
      if (name === 'cgroup' && withoutCgroups.skip) continue;
      assert.equal(show(findings, name), limited[name] ?? 'available', name);
    }
  },
  asRoot,
);

test(
  'doctor reports for other users what is refused, with the reason',
  () => {
    needsLinux('What Linux refuses to others');
    needsOption('namespaces'); // which it says would do
    const findings = examine({ credential: NOBODY });
    const noUser = noUserNamespaces && `refused: clone: ${codeIn(noUserNamespaces)}`;
    const expected: Record<string, string> = {
      session: 'available',
      controllingTerminal: 'available',
      foreground: 'available',
      ptrace: 'available',
      credential: 'degraded: only the own ids, with keepGroups (setgroups: EPERM)',
      chroot: inside('chroot: EPERM'),
      nice: 'degraded: only upwards, for less processor time (setpriority: EACCES)',
      scheduler: 'degraded: no real-time policies (sched_setscheduler: EPERM)',
      ioPriority: "degraded: not the class 'realtime' (ioprio_set: EPERM)",
      rlimits: 'degraded: only to lower them (prlimit64: EPERM)',
      oomScoreAdj: 'degraded: only upwards, to be killed sooner (write: EACCES)',
      capabilities: inside('PR_CAPBSET_DROP: EPERM'),
      securebits: inside('PR_SET_SECUREBITS: EPERM'),
      'namespaces.user': noUser || 'available',
      'namespaces.net': inside('clone: EPERM'),
      'namespaces.time': native.hasClone3() ? inside('clone: EPERM') : NO_TIME,
      'namespaces.uidMap': noUser || 'available',
      'namespaces.gidMap': noUser || 'available',
      'namespaces.setgroups': noUser || "degraded: only 'deny' (user_namespaces: EPERM)",
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
  'doctor reports for root of a user namespace what that namespace allows',
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
  { skip: asRoot.skip || (backend === 'linux' && noUserNamespaces) },
);

/** Why a facility can't be had here, or false, by the name of its line. */
const LACKS: Record<string, string | false> = {
  vfork: native.vforkSharesMemory() ? false : 'vfork is a fork',
  clone3: native.hasClone3() ? false : 'clone3 is refused',
  'pidfd of a child': noHandles,
  pidfd_open: noPidfdOpen,
  pidfd_send_signal: noPidfdSignal,
  'pidfd_send_signal to a group': noGroupByPidfd,
  'waitid by pidfd': noWaitByPidfd,
  close_range: noCloseRange,
  'exit status by pidfd': noExitInfo,
};

test('doctor reports system calls that are replaced or missing', () => {
  needsLinux('What filters refuse');
  const findings = examine();
  for (const [name, lack] of Object.entries(LACKS)) {
    // Without a pidfd of their own the probes can't tell, where the doctor needs none.
    const isBlind = /^(pidfd_send_signal|waitid)/.test(name) && noPidfdOpen !== false;
    if (isBlind && lack === noPidfdOpen) continue;
    const finding = findings.get(name);
    assert.ok(finding, name);
    const { state, detail } = finding;
    if (lack === false)
      assert.deepEqual({ state, detail }, { state: 'available', detail: '' }, name);
    else assert.equal(state, name === 'pidfd_open' ? 'refused' : 'degraded', `${name}: ${lack}`);
  }
});

/** Under a filter: the lines that tell of it. */
const UNDER: Record<string, Record<string, string>> = {
  clone3: {
    clone3: 'degraded: clone: handlers are reset one by one, a cgroup is entered after the birth',
    'namespaces.time': NO_TIME,
  },
  '--errno EPERM pidfds': {
    'pidfd of a child':
      'degraded: a thread waits for each child, and withHandle throws ERR_NO_HANDLE',
    pidfd_open: 'refused: Process.open is refused, and descendants are signalled by number: EPERM',
    pidfd_send_signal: 'degraded: kill, for children that are not reaped yet: EPERM',
    'waitid by pidfd': 'degraded: waitid by number: EPERM',
    'exit status by pidfd': 'degraded: how a process ended that is not a child is unknown',
  },
  'pidfd-group': {
    'pidfd_send_signal to a group': 'degraded: kill, and the leader is reaped after that: EINVAL',
  },
  close_range: { close_range: 'degraded: /proc/thread-self/fd is read: ENOSYS' },
  docker: {
    'namespaces.user': 'refused: clone: EPERM',
    nice: 'degraded: only upwards, for less processor time (setpriority: EACCES)',
  },
};

const denied = Object.values(LACKS).find((lack) => lack !== false) ?? notFullRoot;

test(
  'doctor reports what a seccomp filter refuses',
  () => {
    needsLinux('A filter of system calls');
    for (const [denial, lines] of Object.entries(UNDER)) {
      const words = [...denial.split(' '), '--', process.execPath, bin, 'doctor', '--json'];
      const { stdout } = runSync(helper('deny'), words, { stderr: 'inherit' });
      const findings = byOption(stdout);
      for (const [name, line] of Object.entries(lines)) {
        assert.equal(show(findings, name), line, `${denial}: ${name}`);
      }
    }
  },
  { skip: asRoot.skip || denied },
);
