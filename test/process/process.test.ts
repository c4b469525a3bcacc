import assert from 'node:assert/strict';
import { spawn as spawnByNode, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { spawn } from '#dist/index.js';
import { identify } from '#dist/process/identity.js';
import { Process, startProcess, startProcessSync } from '#dist/process/index.js';
import { call } from '#dist/syscall/call.js';
import { F, FD } from '#dist/syscall/constants.js';
import { needsLinux } from '../helpers/backend.js';
import { noExitInfo, noHandles, noPidfdOpen, noPidfdSignal } from '../helpers/facilities.js';
import { test } from '../helpers/test.js';

/** Calls `use` with children that run until they are told not to, and at the latest until then. */
async function withSleepers<T>(
  count: number,
  use: (...children: Process[]) => T | Promise<T>,
): Promise<T> {
  const args = ['sleep', '1000'];
  const starts = Array.from({ length: count }, () => startProcess('/bin/sleep', args));
  const children = await Promise.all(starts);
  try {
    return await use(...children);
  } finally {
    for (const child of children) {
      child.signal('SIGKILL');
      await child.wait();
    }
  }
}

/** The command's first line of output. */
function firstLine(stream: NodeJS.ReadableStream | null): Promise<string> {
  return new Promise((resolve) => stream?.once('data', (data) => resolve(String(data).trim())));
}

test('all waits before and after the end return the same status', () =>
  withSleepers(1, async (child) => {
    const early = Array.from({ length: 100 }, () => child.wait());
    assert.equal(child.status(), undefined);
    assert.equal(child.signal('SIGTERM'), true);
    const all = await Promise.all([...early, child.wait()]);
    const status = child.status();
    assert.ok(status);
    for (const one of [...all, await child.wait()]) assert.equal(one, status);
    assert.equal(String(status), 'signal: terminated');
  }));

test(
  'an opened process that another library has reaped already can be awaited',
  async () => {
    // Its pidfd reports a hang-up as soon as it is watched: each round is a chance to be too early.
    for (let round = 0; round < 100; round++) {
      const child = spawnByNode('true', { stdio: 'ignore' });
      const opened = Process.open(child.pid as number);
      await once(child, 'exit');
      const status = await opened.wait();
      if (!noExitInfo) assert.equal(status.code, 0);
    }
  },
  { skip: noPidfdOpen },
);

test('the end of a process is known without a wait', async () => {
  const child = startProcessSync('/bin/sh', ['sh', '-c', 'exit 3']);
  assert.equal(child.status(), undefined);
  while (child.status() === undefined) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(child.status()?.code, 3);
  assert.equal((await child.wait()).code, 3);
});

test('a signal after the end returns false and reaches no process', () =>
  withSleepers(1, async (child) => {
    assert.equal(child.signal(0x0f), true);
    await child.wait();
    for (const signal of ['SIGTERM', 'SIGKILL', 1] as const) {
      assert.equal(child.signal(signal), false);
    }
  }));

test('unknown signals and scopes are refused', () =>
  withSleepers(1, async (child) => {
    const code = 'ERR_INVALID_ARG_VALUE';
    for (const signal of ['TERM', 'SIGFOO', 0, 65, -1, 1.5, Number.NaN]) {
      assert.throws(() => child.signal(signal as 'SIGTERM'), { name: 'TypeError', code });
    }
    assert.throws(() => child.signal('SIGKILL', { scope: 'all' as 'process' }), { code });
    assert.equal(child.status(), undefined);
    child.signal('SIGKILL', { scope: 'process' });
    assert.equal((await child.wait()).signal, 'SIGKILL');
  }));

test('a stopped process continues with SIGCONT', async () => {
  await using child = await spawn('/bin/cat', { stdin: 'pipe', stdout: 'pipe' });
  const state = (): string => readFileSync(`/proc/${child.pid}/stat`, 'latin1').split(' ')[2] ?? '';
  child.process.signal('SIGSTOP');
  while (state() !== 'T') await new Promise((resolve) => setImmediate(resolve));
  assert.equal(child.process.status(), undefined, 'to stop is not to end');
  child.process.signal('SIGCONT');
  child.stdin?.end('on');
  assert.equal(await firstLine(child.stdout), 'on');
  assert.equal((await child.exited).code, 0);
});

test(
  'withHandle passes the close-on-exec pidfd until the process is reaped',
  () =>
    withSleepers(1, async (child) => {
      const seen = child.withHandle((fd) => {
        assert.ok(fd > 2);
        assert.equal(call('fcntl', fd, F.F_GETFD), FD.FD_CLOEXEC);
        assert.match(
          readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'),
          new RegExp(`^Pid:\\t${child.pid}$`, 'm'),
        );
        return 'seen';
      });
      assert.equal(seen, 'seen');
      child.signal('SIGKILL');
      await child.wait();
      assert.throws(() => child.withHandle(() => 0), { code: 'ERR_NO_HANDLE' });
    }),
  { skip: noHandles },
);

test(
  'Process.open finds a child by its pid and by its id',
  () =>
    withSleepers(1, async (child) => {
      assert.match(child.id, new RegExp(`^${child.pid}:[1-9]\\d*$`));
      for (const name of [child.pid, child.id]) {
        using opened = Process.open(name);
        assert.equal(opened.pid, child.pid);
        assert.equal(opened.id, child.id);
        assert.notEqual(opened, child);
      }
      using opened = Process.open(child.id);
      const waiting = opened.wait();
      assert.equal(opened.signal('SIGINT'), true);
      const [status, own] = await Promise.all([waiting, child.wait()]);
      assert.equal(own.signal, 'SIGINT');
      if (noExitInfo === false) assert.equal(status.signal, 'SIGINT');
      assert.equal(opened.signal('SIGINT'), false);
      assert.throws(() => opened.withHandle(() => 0), { code: 'ERR_NO_HANDLE' });
    }),
  { skip: noPidfdSignal },
);

test('processes at once and in sequence have different ids', async () => {
  const ids = new Set<string>();
  for (let round = 0; round < 20; round++) {
    const two = await Promise.all([1, 2].map(() => startProcess('/bin/true', ['true'])));
    for (const { id } of two) ids.add(id);
    await Promise.all(two.map((child) => child.wait()));
  }
  assert.equal(ids.size, 40);
});

test('ids of processes that were reaped before they were identified are different', () => {
  const gone = spawnSync('true').pid;
  const ids = [1, 2, 3].map(() => identify(gone, 0));
  assert.equal(new Set(ids).size, 3, ids.join(' '));
  for (const id of ids) assert.match(id, new RegExp(`^${gone}:[1-9]\\d+$`));
});

test(
  'Process.open of a process that is gone or replaced is ESRCH',
  () =>
    withSleepers(1, async (child) => {
      const [pid, inode] = child.id.split(':') as [string, string];
      const gone = { name: 'SystemError', code: 'ESRCH', errno: 3, syscall: 'pidfd_open' };
      for (const id of [`${pid}:1`, `${pid}:${Number(inode) + 1}`, `${pid}:`, `${pid}`]) {
        assert.throws(() => Process.open(id), gone, id);
      }
      child.signal('SIGKILL');
      await child.wait();
      assert.throws(() => Process.open(child.pid), gone);
      assert.throws(() => Process.open(child.id), gone);
    }),
  { skip: noPidfdOpen },
);

test('Process.open refuses invalid process ids', () => {
  for (const pid of [0, -1, 1.5, Number.NaN, '', 'init', '-1:1']) {
    const error = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' };
    assert.throws(() => Process.open(pid), error, String(pid));
  }
});

const ends = [
  ['an exit code', 'exit 7', { code: 7, signal: null, reason: 'exited' }],
  ['a signal', 'kill -USR1 $$', { code: null, signal: 'SIGUSR1', reason: 'signaled' }],
  ['success', ':', { code: 0, signal: null, reason: 'exited' }],
] as const;

for (const [title, action, expected] of ends) {
  test(
    `the end of a grandchild is reported: ${title}`,
    async () => {
      // The grandchild waits for a line; its parent reaps it and goes on.
      const script = `exec 3<&0; sh -c 'read line; ${action}' <&3 & echo $!; wait; read line`;
      await using child = await spawn('sh', ['-c', script], { stdin: 'pipe', stdout: 'pipe' });
      const opened = Process.open(Number(await firstLine(child.stdout)));
      const waits = [opened.wait(), opened.wait()];
      assert.equal(opened.status(), undefined);
      child.stdin?.write('\n');
      const [status, same] = await Promise.all(waits);
      assert.ok(status);
      const { code, signal, reason } = status;
      assert.deepEqual({ code, signal, reason }, expected);
      assert.equal(same, status);
      assert.equal(opened.status(), status);
      child.stdin?.end('\n');
      await child.exited;
    },
    { skip: noExitInfo },
  );
}

test(
  'operations on a disposed process reach no other process',
  () =>
    withSleepers(2, async (one, two) => {
      const first = Process.open(one.pid);
      const number = first.withHandle((fd) => fd);
      first[Symbol.dispose]();
      first[Symbol.dispose]();
      using second = Process.open(two.pid);
      assert.equal(
        second.withHandle((fd) => fd),
        number,
        'the other has its number now',
      );
      assert.equal(first.signal('SIGKILL'), false);
      assert.throws(() => first.withHandle(() => 0), { code: 'ERR_NO_HANDLE' });
      two.signal('SIGTERM');
      assert.equal((await two.wait()).signal, 'SIGTERM');
    }),
  { skip: noPidfdOpen },
);

test(
  'wait() of an opened process that was disposed of is rejected',
  () =>
    withSleepers(1, async (child) => {
      const opened = Process.open(child.pid);
      opened[Symbol.dispose]();
      await assert.rejects(() => opened.wait());
    }),
  { skip: noPidfdOpen },
);

test('a child that was disposed of can still be awaited', () =>
  withSleepers(1, async (child) => {
    child[Symbol.dispose]();
    assert.equal(child.signal('SIGTERM'), true);
    assert.equal((await child.wait()).signal, 'SIGTERM');
  }));

test(
  'Process.open of the number of a thread is ESRCH',
  () => {
    needsLinux('/proc/self/task');
    const thread = readdirSync('/proc/self/task').find((number) => Number(number) !== process.pid);
    assert.ok(thread !== undefined);
    assert.throws(() => Process.open(Number(thread)), { code: 'ESRCH', syscall: 'pidfd_open' });
  },
  { skip: noPidfdOpen },
);
