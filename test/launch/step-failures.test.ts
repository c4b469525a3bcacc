// Every step of a launch fails once, here, and is named: by a system call that a filter refuses to the
// launching thread, or by something that the kernel itself refuses.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { STEP_NAMES, type StepName } from '#dist/launch/order.js';
import { type ProcessAttributes, startProcess } from '#dist/process/index.js';
import { F, O, PR, PTRACE, TIOC } from '#dist/syscall/constants.js';
import { needsLinux } from '../helpers/backend.js';
import type { Denial, Order, StepReport } from '../helpers/fail-step.js';
import { asRoot } from '../helpers/identity.js';
import { lackOf, ROOT_MAP } from '../helpers/namespaces.js';
import { withPty } from '../helpers/pty.js';
import { helper, withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

interface Case extends Order {
  /** Default: EDOM, with which denied calls fail. */
  code?: string;
  argument?: string;
  /** It takes a terminal to give up. */
  onTerminal?: true;
  /** What the launch has to get before it comes to the step. */
  needs?: ProcessAttributes;
}

/** A denied call, whatever its arguments or with these. */
function denied(call: Denial['call'], ...args: [index: number, value: number][]): Denial[] {
  return [args.length === 0 ? { call } : { call, arguments: args }];
}

const prctl = (option: number): Denial[] => denied('prctl', [0, option]);
const ambient = (operation: number): Denial[] =>
  denied('prctl', [0, PR.PR_CAP_AMBIENT], [1, operation]);
const ioctl = (request: number): Denial[] => denied('ioctl', [1, request]);

const FIFO = { scheduler: { policy: 'batch' } } as const;
const DEADLINE = {
  scheduler: { policy: 'deadline', runtime: 1_000_000, deadline: 10_000_000 },
} as const;
const NOBODY = { credential: { uid: 65534, gid: 65534 } };

const cases: Record<StepName, Case> = {
  pipe2: { how: 'command', options: { stdin: 'pipe' }, deny: denied('pipe2') },
  socketpair: { how: 'command', options: { stdin: 'socket' }, deny: denied('socketpair') },
  cgroup: { options: { cgroup: '/' }, code: 'EBADF', argument: '/' },
  clone: {
    options: { namespaces: { net: true } },
    deny: [...denied('clone3'), ...denied('clone')],
    argument: 'net',
  },
  fcntl: {
    options: { files: ['null'] },
    deny: denied('fcntl', [1, F.F_DUPFD_CLOEXEC]),
    argument: '/dev/null',
  },
  open: {
    options: { files: ['null'] },
    deny: denied('openat', [2, O.O_RDWR | O.O_CLOEXEC]), // the list of descriptors is read
    argument: '/dev/null',
  },
  sigaction: {
    options: { signals: { ignore: [35] } },
    deny: denied('rt_sigaction', [0, 35]),
    argument: 'SIGRTMIN+1',
  },
  setsid: { options: { session: true }, deny: denied('setsid') },
  setpgid: { options: { processGroup: 0 }, deny: denied('setpgid'), argument: '0' },
  getpgid: { options: { foreground: 0 }, deny: denied('getpgid') },
  TIOCSPGRP: { options: { foreground: 0 }, deny: ioctl(TIOC.TIOCSPGRP), argument: '0' },
  setns: { options: { namespaces: { net: 0 } }, deny: denied('setns'), argument: 'net 0' },
  unshare: {
    how: 'exec',
    options: { namespaces: { net: true } },
    deny: denied('unshare'),
    argument: 'net',
  },
  user_namespaces: {
    options: { namespaces: { user: true, uidMap: [...ROOT_MAP, ...ROOT_MAP] } },
    needs: { namespaces: { user: true } },
    code: 'EINVAL',
    argument: 'uid_map',
  },
  mount: {
    options: { namespaces: { mount: true } },
    needs: { namespaces: { mount: true } },
    deny: denied('mount'),
    argument: '/',
  },
  write: {
    options: { oomScoreAdj: 777 },
    deny: denied('write', [2, 3]), // three bytes: no other write here has as many
    argument: 'oom_score_adj=777',
  },
  sched_setscheduler: { options: FIFO, deny: denied('sched_setscheduler'), argument: 'batch' },
  sched_setattr: {
    options: DEADLINE,
    deny: denied('sched_setattr'),
    argument: 'deadline:1000000:10000000:10000000',
  },
  setpriority: { options: { nice: 5 }, deny: denied('setpriority'), argument: '5' },
  ioprio_set: {
    options: { ioPriority: { class: 'idle' } },
    deny: denied('ioprio_set'),
    argument: 'idle',
  },
  sched_setaffinity: {
    options: { cpuAffinity: [0] },
    deny: denied('sched_setaffinity'),
    argument: '0',
  },
  prlimit64: {
    options: { rlimits: { core: [0, 'unlimited'] } },
    deny: denied('prlimit64'),
    argument: 'core=0:unlimited',
  },
  TIOCNOTTY: { options: { detachTerminal: true }, deny: ioctl(TIOC.TIOCNOTTY), onTerminal: true },
  chroot: { options: { chroot: '/' }, deny: denied('chroot'), argument: '/' },
  PR_SET_KEEPCAPS: {
    options: { ...NOBODY, capabilities: { ambient: ['CAP_KILL'] } },
    deny: prctl(PR.PR_SET_KEEPCAPS),
  },
  setgroups: {
    options: { credential: { groups: [4, 5] } },
    deny: denied('setgroups'),
    argument: '4,5',
  },
  setgid: { options: NOBODY, deny: denied('setgid'), argument: '65534' },
  setuid: { options: NOBODY, deny: denied('setuid'), argument: '65534' },
  capset: {
    options: { capabilities: { inheritable: ['CAP_KILL'] } },
    deny: denied('capset'),
    argument: 'inheritable=CAP_KILL',
  },
  PR_CAPBSET_DROP: {
    options: { capabilities: { bounding: [] } },
    deny: prctl(PR.PR_CAPBSET_DROP),
    argument: 'CAP_CHOWN',
  },
  PR_CAP_AMBIENT_CLEAR_ALL: {
    options: { capabilities: { ambient: ['CAP_KILL'] } },
    deny: ambient(PR.PR_CAP_AMBIENT_CLEAR_ALL),
  },
  PR_CAP_AMBIENT_RAISE: {
    options: { capabilities: { ambient: ['CAP_KILL'] } },
    deny: ambient(PR.PR_CAP_AMBIENT_RAISE),
    argument: 'CAP_KILL',
  },
  PR_SET_SECUREBITS: {
    options: { securebits: ['SECBIT_NOROOT'] },
    deny: prctl(PR.PR_SET_SECUREBITS),
    argument: 'SECBIT_NOROOT',
  },
  umask: { options: { umask: 0o27 }, deny: denied('umask'), argument: '27' },
  chdir: { options: { cwd: '/usr' }, deny: denied('chdir'), argument: '/usr' },
  getpid: { options: { parentDeathSignal: 'SIGTERM' }, deny: denied('getpid'), onAllThreads: true },
  PR_SET_PDEATHSIG: {
    options: { parentDeathSignal: 'SIGTERM' },
    deny: prctl(PR.PR_SET_PDEATHSIG),
    argument: 'SIGTERM',
  },
  dup3: { options: { files: [1, 0] }, deny: denied('dup3'), argument: '1' },
  // And /proc, which serves where it is missing.
  close_range: { options: {}, deny: [...denied('close_range'), ...denied('openat')] },
  TIOCSCTTY: {
    options: { session: true, controllingTerminal: 2 },
    deny: ioctl(TIOC.TIOCSCTTY),
    argument: '2',
  },
  PR_SET_NO_NEW_PRIVS: {
    options: { noNewPrivileges: true },
    deny: prctl(PR.PR_SET_NO_NEW_PRIVS),
  },
  ptrace: {
    options: { ptrace: true },
    deny: denied('ptrace', [0, PTRACE.PTRACE_TRACEME]),
    onAllThreads: true,
    argument: 'PTRACE_TRACEME',
  },
  sigprocmask: { options: {}, deny: denied('rt_sigprocmask') },
  execve: { options: {}, deny: denied('execve'), argument: '/bin/true' },
};

async function reportOf(order: Order): Promise<StepReport> {
  const words = [helper('fail-step.js'), JSON.stringify(order)];
  const { stdout } = await promisify(execFile)(process.execPath, words, { timeout: 30_000 });
  return JSON.parse(stdout) as StepReport;
}

/** The same, in a session that has a terminal. */
function reportOnTerminal(order: Order): Promise<StepReport> {
  return withPty(({ terminal }) =>
    withFolder(async (folder) => {
      const out = openSync(`${folder}/report`, 'w');
      try {
        const words = ['node', helper('fail-step.js'), JSON.stringify(order)];
        const files = [terminal, out, 2];
        const child = await startProcess(process.execPath, words, {
          session: true,
          controllingTerminal: 0,
          files,
        });
        await child.wait();
      } finally {
        closeSync(out);
      }
      return JSON.parse(readFileSync(`${folder}/report`, 'utf8')) as StepReport;
    }),
  );
}

for (const [step, { code = 'EDOM', argument, onTerminal, needs, ...order }] of Object.entries(
  cases,
)) {
  test(
    `${step} fails, is named, and leaves nothing`,
    async (context) => {
      needsLinux('A filter of system calls');
      const lack = needs !== undefined && (await lackOf(needs));
      if (lack !== false) return context.skip(lack);
      const expected: StepReport = { step, code, left: [] };
      if (argument !== undefined) expected.argument = argument;
      const report = await (onTerminal ? reportOnTerminal(order) : reportOf(order));
      assert.deepEqual(report, expected);
    },
    asRoot,
  );
}

test('there is no step without a failure here', () => {
  assert.deepEqual(Object.keys(cases).sort(), [...STEP_NAMES].sort());
});
