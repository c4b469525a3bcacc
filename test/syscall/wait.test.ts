// wait4 and waitid on children of forkExec.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { forkExec, forkExecSync } from '#dist/process/fork-exec.js';
import { CLD, P, PIDFD, SIG, W } from '#dist/syscall/constants.js';
import { close } from '#dist/syscall/descriptors.js';
import { getpgid, kill } from '#dist/syscall/groups.js';
import { pidfdOpen } from '#dist/syscall/pidfd.js';
import { wait4, wait4Sync, waitid, waitidSync } from '#dist/syscall/wait.js';
import { noWaitByPidfd } from '../helpers/facilities.js';
import { test } from '../helpers/test.js';

const shell = (script: string): Promise<number> => forkExec('/bin/sh', ['sh', '-c', script]);
const sleeper = (): Promise<number> => forkExec('/bin/sleep', ['sleep', '60']);
const ECHILD = { name: 'SystemError', code: 'ECHILD' };

test('wait4 returns the exit code of a child', async () => {
  for (const code of [0, 3, 255]) {
    const pid = await shell(`exit ${code}`);
    const { pid: found, status } = await wait4(pid);
    assert.equal(found, pid);
    assert.deepEqual([status.exited(), status.exitStatus()], [true, code]);
    const other = forkExecSync('/bin/sh', ['sh', '-c', `exit ${code}`]);
    const result = wait4Sync(other);
    assert.deepEqual([result?.pid, result?.status.exitStatus()], [other, code]);
  }
});

test('wait4 returns the signal that ended a child', async () => {
  const pid = await sleeper();
  kill(pid, 'SIGTERM');
  const { status } = await wait4(pid);
  assert.deepEqual([status.signaled(), status.signal()], [true, SIG.SIGTERM]);
  assert.deepEqual([status.exited(), status.coreDump()], [false, false]);
});

test('wait4 returns stops with WUNTRACED and continues with WCONTINUED', async () => {
  const pid = await sleeper();
  kill(pid, 'SIGSTOP');
  const stopped = await wait4(pid, W.WUNTRACED);
  assert.deepEqual([stopped.status.stopped(), stopped.status.stopSignal()], [true, SIG.SIGSTOP]);
  kill(pid, 'SIGCONT');
  assert.equal((await wait4(pid, W.WCONTINUED)).status.continued(), true);
  // Not SIGTSTP, which the kernel drops where this process' group has no parent outside it.
  kill(pid, 'SIGSTOP');
  assert.equal(wait4Sync(pid, W.WUNTRACED)?.status.stopSignal(), SIG.SIGSTOP);
  kill(pid, 'SIGCONT');
  assert.equal(wait4Sync(pid, W.WCONTINUED)?.status.continued(), true);
  kill(pid, 'SIGKILL');
  assert.equal((await wait4(pid)).status.signal(), SIG.SIGKILL);
});

test('waitid reports stops, continues and ends by CLD codes', async () => {
  const pid = await sleeper();
  const uid = process.getuid?.();
  const signo = SIG.SIGCHLD;
  kill(pid, 'SIGSTOP');
  const { rusage, ...stopped } = (await waitid(P.P_PID, pid, W.WSTOPPED)) ?? {};
  assert.deepEqual(stopped, { signo, code: CLD.CLD_STOPPED, pid, uid, status: SIG.SIGSTOP });
  assert.ok(rusage !== undefined && rusage.stime >= 0);
  kill(pid, 'SIGCONT');
  assert.equal(waitidSync(P.P_PID, pid, W.WCONTINUED)?.code, CLD.CLD_CONTINUED);
  kill(pid, 'SIGHUP');
  const ended = await waitid(P.P_PID, pid, W.WEXITED);
  assert.deepEqual([ended?.code, ended?.status], [CLD.CLD_KILLED, SIG.SIGHUP]);
  const other = await shell('exit 7');
  const exited = waitidSync(P.P_PID, other, W.WEXITED);
  assert.deepEqual([exited?.pid, exited?.code, exited?.status], [other, CLD.CLD_EXITED, 7]);
});

test('WNOHANG returns nothing while the child runs', async () => {
  const pid = await sleeper();
  assert.equal(wait4Sync(pid, W.WNOHANG), undefined);
  assert.equal((await wait4(pid, W.WNOHANG)).pid, 0);
  assert.equal(waitidSync(P.P_PID, pid, W.WEXITED | W.WNOHANG), undefined);
  assert.equal(await waitid(P.P_PID, pid, W.WEXITED | W.WNOHANG), undefined);
  kill(pid, 'SIGKILL');
  assert.equal((await wait4(pid)).pid, pid);
});

test('WNOWAIT returns a status any number of times without taking it', async () => {
  const pid = await shell('exit 5');
  const look = W.WEXITED | W.WNOWAIT;
  assert.equal((await waitid(P.P_PID, pid, look))?.status, 5);
  assert.equal(waitidSync(P.P_PID, pid, look)?.status, 5);
  assert.equal(waitidSync(P.P_ALL, 0, look | W.WNOHANG)?.pid, pid);
  assert.equal(waitidSync(P.P_PGID, 0, look | W.WNOHANG)?.pid, pid);
  assert.equal((await wait4(pid)).status.exitStatus(), 5);
  assert.throws(() => wait4Sync(pid), { ...ECHILD, syscall: 'wait4' });
  await assert.rejects(waitid(P.P_PID, pid, look), { ...ECHILD, syscall: 'waitid' });
});

test('wait4 waits for any child of a process group', async () => {
  const sys = { processGroup: 0 };
  const pid = await forkExec('/bin/sh', ['sh', '-c', 'exit 4'], { sys });
  const found = await wait4(-pid);
  assert.deepEqual([found.pid, found.status.exitStatus()], [pid, 4]);
});

test(
  'waitid waits for a pidfd, and is EAGAIN with PIDFD_NONBLOCK',
  async () => {
    const other = await sleeper();
    const pidfd = pidfdOpen(other, PIDFD.PIDFD_NONBLOCK);
    try {
      assert.throws(() => waitidSync(P.P_PIDFD, pidfd, W.WEXITED), { code: 'EAGAIN' });
      kill(other, 'SIGKILL');
      await waitid(P.P_PID, other, W.WEXITED | W.WNOWAIT);
      assert.equal(waitidSync(P.P_PIDFD, pidfd, W.WEXITED)?.pid, other);
    } finally {
      close(pidfd);
    }
  },
  { skip: noWaitByPidfd },
);

test('wait4 returns the sixteen figures of rusage', async () => {
  const began = process.hrtime.bigint();
  const pid = await shell('i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done');
  const { rusage } = await wait4(pid);
  const elapsed = Number(process.hrtime.bigint() - began) / 1e3;
  assert.equal(Object.keys(rusage).length, 16);
  for (const [name, figure] of Object.entries(rusage)) {
    assert.ok(Number.isInteger(figure) && figure >= 0, `${name} ${figure}`);
  }
  assert.ok(rusage.utime > 1000, `${rusage.utime} µs of user time`);
  assert.ok(rusage.utime + rusage.stime < elapsed + 10_000); // a tick of the kernel's clock
  assert.ok(rusage.maxrss > 100 && rusage.minflt > 10);
});

test('wait4 waits for 40 children at a time beside the event loop', async () => {
  const pids = await Promise.all(Array.from({ length: 40 }, (_, code) => shell(`exit ${code}`)));
  const last = await sleeper();
  const waiting = wait4(last);
  const results = await Promise.all(pids.map((pid) => wait4(pid)));
  assert.deepEqual(
    results.map(({ status }) => status.exitStatus()),
    pids.map((_, code) => code),
  );
  await sleep(10);
  kill(last, 'SIGKILL');
  assert.equal((await waiting).status.signal(), SIG.SIGKILL);
});

test('waiting for any child is refused', async () => {
  const child = spawn('/bin/sh', ['-c', 'exit 6'], { stdio: 'ignore' });
  const exited = once(child, 'exit');
  const refused = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE', message: /libuv/ };
  for (const pid of [-1, 0, -getpgid()]) {
    assert.throws(() => wait4Sync(pid, W.WNOHANG), refused, String(pid));
    await assert.rejects(wait4(pid), refused, String(pid));
  }
  for (const [idType, id] of [
    [P.P_ALL, 0],
    [P.P_PGID, 0],
    [P.P_PGID, getpgid()],
  ] as const) {
    assert.throws(() => waitidSync(idType, id, W.WEXITED | W.WNOHANG), refused);
    await assert.rejects(waitid(idType, id, W.WEXITED), refused);
  }
  assert.deepEqual(await exited, [6, null]);
});

test('wait4 and waitid refuse pids and options that are invalid', async () => {
  assert.throws(() => wait4Sync(1), ECHILD);
  await assert.rejects(wait4(1), ECHILD);
  await assert.rejects(wait4(-999_999), ECHILD);
  assert.throws(() => waitidSync(P.P_PID, 1, W.WEXITED), ECHILD);
  assert.throws(() => wait4Sync(1, 0x1000), { code: 'EINVAL' });
  assert.throws(() => waitidSync(P.P_PID, 1, 0), { code: 'EINVAL' });
  for (const wrong of [undefined, '1', 1.5, Number.NaN, 2 ** 31]) {
    assert.throws(() => wait4Sync(wrong as number), { code: 'ERR_INVALID_ARG_VALUE' });
    await assert.rejects(wait4(wrong as number), { code: 'ERR_INVALID_ARG_VALUE' });
  }
});
