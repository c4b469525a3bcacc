// The typed calls beside what Node, /proc or a child says.

import assert from 'node:assert/strict';
import { readFileSync, readlinkSync } from 'node:fs';
import os from 'node:os';
import { forkExec, forkExecSync } from '#dist/process/fork-exec.js';
import { prctl, umask } from '#dist/syscall/attributes.js';
import { PR, PRIO, RLIMIT, RUSAGE, SC, SIG } from '#dist/syscall/constants.js';
import { close } from '#dist/syscall/descriptors.js';
import { getpgid, getpid, getppid, getsid, kill, setpgid, setsid } from '#dist/syscall/groups.js';
import * as identity from '#dist/syscall/identity.js';
import { getrlimit, getrusage, prlimit, setrlimit, sysconf } from '#dist/syscall/limits.js';
import { pidfdOpen, pidfdSendSignal } from '#dist/syscall/pidfd.js';
import { getpriority, setpriority } from '#dist/syscall/priority.js';
import { wait4, wait4Sync } from '#dist/syscall/wait.js';
import { needsLinux } from '../helpers/backend.js';
import { hasCapability, noPidfdSignal } from '../helpers/facilities.js';
import { stateOf } from '../helpers/state.js';
import { test } from '../helpers/test.js';
import { runFixture } from './fixtures/run.js';

/** Field n of /proc/PID/stat, counted as proc_pid_stat(5) does. */
function statField(pid: number, field: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[field - 3]);
}

async function withSleeper(use: (pid: number) => void | Promise<void>): Promise<void> {
  const pid = await forkExec('/bin/sleep', ['sleep', '60']);
  try {
    await use(pid);
  } finally {
    kill(pid, 'SIGKILL');
    await wait4(pid);
  }
}

const code = (name: string) => ({ name: 'SystemError', code: name });
const refused = { code: 'ERR_INVALID_ARG_VALUE' };

test('getpid, getpgid and getsid agree with /proc, and setpgid fails after execve', () =>
  withSleeper((pid) => {
    assert.deepEqual([getpid(), getppid()], [process.pid, process.ppid]);
    assert.deepEqual([getpgid(), getsid()], [statField(getpid(), 5), statField(getpid(), 6)]);
    assert.deepEqual([getpgid(pid), getsid(pid)], [getpgid(), getsid()]);
    // Past its execve a child is its own master.
    assert.throws(() => setpgid(pid, 0), { ...code('EACCES'), syscall: 'setpgid' });
    assert.throws(() => getpgid(999_999_999), code('ESRCH'));
    assert.throws(() => getsid(999_999_999), code('ESRCH'));
    assert.throws(() => getsid('1' as unknown as number), refused);
  }));

test('setpgid and setsid move a process, and setsid refuses a group leader', () => {
  // In a program of its own: nothing takes either back.
  const run = (...words: string[]) => runFixture('identity', words);
  assert.equal(run('session').stderr, '');
  if (getpgid() === getpid()) assert.throws(() => setsid(), code('EPERM'));
});

test('kill checks the pid and the signal before it sends anything', () =>
  withSleeper((pid) => {
    kill(pid, 0);
    kill(process.pid, 0);
    assert.throws(() => kill(999_999_999, 0), { ...code('ESRCH'), syscall: 'kill' });
    for (const wrong of [undefined, null, Number.NaN, '0']) {
      // What is taken for 0 would end this very group.
      assert.throws(() => kill(wrong as unknown as number, 'SIGKILL'), refused);
    }
    for (const wrong of ['TERM', 'SIGNOPE', 65, -1, 1.5]) {
      assert.throws(() => kill(pid, wrong as unknown as number), refused);
    }
  }));

test(
  'a pidfd of pidfdOpen signals its process alone',
  async () => {
    const pid = forkExecSync('/bin/sleep', ['sleep', '60']);
    const pidfd = pidfdOpen(pid);
    try {
      assert.match(readlinkSync(`/proc/self/fd/${pidfd}`), /pidfd/);
      pidfdSendSignal(pidfd, 0);
      pidfdSendSignal(pidfd, 'SIGTERM');
      assert.equal((await wait4(pid)).status.signal(), SIG.SIGTERM);
      assert.throws(() => pidfdSendSignal(pidfd, 0), code('ESRCH'));
      assert.throws(() => pidfdOpen(pid), { ...code('ESRCH'), syscall: 'pidfd_open' });
    } finally {
      close(pidfd);
    }
  },
  { skip: noPidfdSignal },
);

test(
  'pidfdSendSignal sends a value with a signal',
  () => {
    // Its receiver looks with rt_sigtimedwait, which tells the value.
    assert.deepEqual(runFixture('identity', ['queue']).stderr, '');
  },
  { skip: noPidfdSignal },
);

test('getrlimit, setrlimit and prlimit agree with /proc', async () => {
  needsLinux('prlimit of another process');
  const before = getrlimit(RLIMIT.RLIMIT_CORE);
  assert.deepEqual(prlimit(0, RLIMIT.RLIMIT_CORE), before);
  try {
    setrlimit(RLIMIT.RLIMIT_CORE, { cur: 4096, max: before.max });
    assert.deepEqual(getrlimit(RLIMIT.RLIMIT_CORE), { cur: 4096, max: before.max });
    const { rlimits } = await stateOf();
    assert.equal(rlimits[RLIMIT.RLIMIT_CORE]?.[0], 4096);
    const was = prlimit(0, RLIMIT.RLIMIT_CORE, before);
    assert.deepEqual(was, { cur: 4096, max: before.max });
  } finally {
    setrlimit(RLIMIT.RLIMIT_CORE, before);
  }
  await withSleeper((pid) => {
    const inherited = getrlimit(RLIMIT.RLIMIT_CPU);
    assert.deepEqual(prlimit(pid, RLIMIT.RLIMIT_CPU, { cur: 5, max: 60 }), inherited);
    assert.deepEqual(prlimit(pid, RLIMIT.RLIMIT_CPU), { cur: 5, max: 60 });
    assert.match(readFileSync(`/proc/${pid}/limits`, 'utf8'), /Max cpu time +5 +60 +seconds/);
  });
});

test('setrlimit and getrlimit take Infinity for no limit', () =>
  withSleeper((pid) => {
    needsLinux('prlimit of another process');
    const resource = RLIMIT.RLIMIT_FSIZE;
    const limit = { cur: 4096, max: Number.POSITIVE_INFINITY };
    if (prlimit(pid, resource).max !== limit.max) return;
    prlimit(pid, resource, limit);
    assert.deepEqual(prlimit(pid, resource), limit);
    assert.match(readFileSync(`/proc/${pid}/limits`, 'utf8'), /Max file size +4096 +unlimited/);
    prlimit(pid, resource, { cur: limit.max, max: limit.max });
    assert.match(readFileSync(`/proc/${pid}/limits`, 'utf8'), /Max file size +unlimited +unl/);
  }));

test('invalid limits are refused', () => {
  const resource = RLIMIT.RLIMIT_CORE;
  assert.throws(() => getrlimit(999), code('EINVAL'));
  assert.throws(() => setrlimit(resource, { cur: 2, max: 1 }), code('EINVAL'));
  for (const wrong of [-1, 1.5, Number.NaN, 2 ** 64, undefined, '1', 1n]) {
    const limit = { cur: wrong as number, max: 1 };
    assert.throws(() => setrlimit(resource, limit), refused, String(wrong));
  }
});

test('getrusage agrees with process.resourceUsage', () => {
  const before = getrusage(RUSAGE.RUSAGE_SELF);
  const node = process.resourceUsage();
  const after = getrusage(RUSAGE.RUSAGE_SELF);
  assert.ok(before.utime <= node.userCPUTime && node.userCPUTime <= after.utime);
  assert.ok(before.stime <= node.systemCPUTime && node.systemCPUTime <= after.stime);
  assert.ok(before.maxrss <= node.maxRSS && node.maxRSS <= after.maxrss);
  assert.ok(before.minflt <= node.minorPageFault && node.minorPageFault <= after.minflt);
  assert.ok(getrusage(RUSAGE.RUSAGE_THREAD).utime <= after.utime);
  assert.ok(getrusage(RUSAGE.RUSAGE_CHILDREN).utime >= 0);
  assert.throws(() => getrusage(99), code('EINVAL'));
});

test('getpriority and setpriority agree with node:os', () =>
  withSleeper((pid) => {
    assert.equal(getpriority(PRIO.PRIO_PROCESS), os.getPriority());
    for (const nice of [0, 1, 7, 19]) {
      setpriority(PRIO.PRIO_PROCESS, pid, nice);
      assert.equal(getpriority(PRIO.PRIO_PROCESS, pid), nice);
      assert.equal(os.getPriority(pid), nice);
    }
    const first = (): void => setpriority(PRIO.PRIO_PROCESS, pid, -100);
    if (hasCapability('CAP_SYS_NICE')) {
      first();
      assert.equal(getpriority(PRIO.PRIO_PROCESS, pid), -20);
    } else {
      assert.throws(first, code('EACCES'));
    }
    assert.throws(() => getpriority(PRIO.PRIO_PROCESS, 999_999_999), code('ESRCH'));
    assert.throws(() => getpriority(99), code('EINVAL'));
  }));

test('umask and prctl set and return attributes of this process', () => {
  const before = process.umask();
  const was = umask(0o27);
  try {
    assert.equal(was, before);
    assert.equal(process.umask(), 0o27);
  } finally {
    umask(before);
  }
  const name = new Uint8Array(16);
  prctl(PR.PR_GET_NAME, name);
  const comm = readFileSync('/proc/thread-self/comm', 'utf8').trim();
  assert.equal(Buffer.from(name).toString().replace(/\0.*/, ''), comm);
  prctl(PR.PR_SET_NAME, 'renamed');
  assert.equal(readFileSync('/proc/thread-self/comm', 'utf8').trim(), 'renamed');
  prctl(PR.PR_SET_NAME, comm);
  assert.throws(() => prctl(-1), { ...code('EINVAL'), syscall: 'prctl' });
});

test('sysconf returns figures of the system and refuses unknown names', () => {
  const page = sysconf(SC._SC_PAGESIZE);
  assert.ok(page >= 4096 && (page & (page - 1)) === 0);
  assert.equal(sysconf(SC._SC_CLK_TCK), 100);
  assert.equal(sysconf(SC._SC_OPEN_MAX), getrlimit(RLIMIT.RLIMIT_NOFILE).cur);
  const memory = sysconf(SC._SC_PHYS_PAGES) * page;
  assert.ok(Math.abs(memory - os.totalmem()) < 2 ** 20);
  for (const wrong of [-1, 99_999, undefined, 'PAGESIZE']) {
    assert.throws(() => sysconf(wrong as number), code('EINVAL'));
  }
});

test('user and group ids agree with process', () => {
  const { getuid, geteuid, getgid, getegid, getgroups, getresuid, getresgid } = identity;
  assert.deepEqual([getuid(), geteuid()], [process.getuid?.(), process.geteuid?.()]);
  assert.deepEqual([getgid(), getegid()], [process.getgid?.(), process.getegid?.()]);
  // Node alone adds the effective group where the kernel's list is without it.
  const groups = new Set(process.getgroups?.()).add(getegid());
  assert.deepEqual(new Set(getgroups()).add(getegid()), groups);
  const lines = readFileSync('/proc/self/status', 'utf8');
  const line = (name: string) =>
    new RegExp(`^${name}:\t(\\d+)\t(\\d+)\t(\\d+)`, 'm').exec(lines)?.slice(1, 4).map(Number);
  assert.deepEqual(Object.values(getresuid()), line('Uid'));
  assert.deepEqual(Object.values(getresgid()), line('Gid'));
  assert.deepEqual(Object.keys(getresuid()), ['real', 'effective', 'saved']);
});

test('wait4Sync reaps a child on the calling thread', () => {
  const pid = forkExecSync('/bin/true', ['true']);
  assert.equal(wait4Sync(pid)?.status.exitStatus(), 0);
});
