import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { run, runSync, spawn } from '#dist/index.js';
import { ExitStatus, Process, startProcess, startProcessSync } from '#dist/process/index.js';
import { call } from '#dist/syscall/call.js';
import { SIG } from '#dist/syscall/constants.js';
import { needsLinux } from '../helpers/backend.js';
import { helper, withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';
import { knownUsage } from '../helpers/usage.js';

test('every exit code from 0 to 255 is reported', async () => {
  for (let first = 0; first < 256; first += 32) {
    const codes = Array.from({ length: 32 }, (_, index) => first + index);
    await Promise.all(
      codes.map(async (code) => {
        const status = await (await startProcess('/bin/sh', ['sh', '-c', `exit ${code}`])).wait();
        assert.equal(status.code, code);
        assert.equal(status.signal, null);
        assert.equal(status.ok, code === 0);
        assert.equal(status.reason, 'exited');
        assert.equal(status.shellCode, code);
        assert.equal(status.coreDumped, false);
        assert.equal(String(status), `exit status ${code}`);
      }),
    );
  }
});

/** What Go prints for the signals that end a process; "signal 34" for those without words. */
const GO: Record<string, string> = {
  SIGHUP: 'hangup',
  SIGINT: 'interrupt',
  SIGQUIT: 'quit',
  SIGILL: 'illegal instruction',
  SIGTRAP: 'trace/breakpoint trap',
  SIGABRT: 'aborted',
  SIGBUS: 'bus error',
  SIGFPE: 'floating point exception',
  SIGKILL: 'killed',
  SIGUSR1: 'user defined signal 1',
  SIGSEGV: 'segmentation fault',
  SIGUSR2: 'user defined signal 2',
  SIGPIPE: 'broken pipe',
  SIGALRM: 'alarm clock',
  SIGTERM: 'terminated',
  SIGSTKFLT: 'stack fault',
  SIGXCPU: 'CPU time limit exceeded',
  SIGXFSZ: 'file size limit exceeded',
  SIGVTALRM: 'virtual timer expired',
  SIGPROF: 'profiling timer expired',
  SIGIO: 'I/O possible',
  SIGPWR: 'power failure',
  SIGSYS: 'bad system call',
};

test("every signal that ends a process is reported in Go's words", async () => {
  const numbers = SIG as Readonly<Record<string, number>>;
  const signals = Object.entries(GO).map(
    ([name, words]) => [name, numbers[name] as number, words] as const,
  );
  const realTime = Array.from({ length: 31 }, (_, index) => {
    const number = 34 + index;
    const name = index === 0 ? 'SIGRTMIN' : `SIGRTMIN+${index}`;
    return [name, number, `signal ${number}`] as const;
  });
  for (const [name, number, words] of [...signals, ...realTime]) {
    // No core dumps: the words are then with "(core dumped)", which has its own test.
    const child = await startProcess('/bin/sh', ['sh', '-c', 'ulimit -c 0; exec sleep 1000']);
    while (readFileSync(`/proc/${child.pid}/comm`, 'utf8') !== 'sleep\n') {
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.equal(child.signal(number), true);
    const status = await child.wait();
    assert.equal(status.signal, name);
    assert.equal(status.code, null);
    assert.equal(status.ok, false);
    assert.equal(status.reason, 'signaled');
    assert.equal(status.shellCode, 128 + number);
    assert.equal(String(status), `signal: ${words}`);
  }
});

/** Why no process can leave a core dump here, or false. */
function withoutCores(): string | false {
  const pattern = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim();
  if (pattern.includes('/') || pattern.startsWith('|')) return `core_pattern is ${pattern}`;
  const { status } = runSync('sh', ['-c', 'ulimit -c unlimited'], { reject: false });
  return status.ok ? false : 'the limit of core dumps can not be raised';
}

test(
  'a core dump is reported',
  () =>
    withFolder(async (folder) => {
      const script = ['sh', '-c', 'ulimit -c unlimited; kill -ABRT $$'];
      const options = { cwd: folder } as const;
      // One after the other: two that write the same file would be in each other's way.
      const first = await (await startProcess('/bin/sh', script, options)).wait();
      const second = runSync('/bin/sh', script.slice(1), { ...options, reject: false }).status;
      for (const status of [first, second]) {
        assert.equal(status.coreDumped, true);
        assert.equal(status.signal, 'SIGABRT');
        assert.equal(String(status), 'signal: aborted (core dumped)');
      }
      assert.ok(readdirSync(folder).some((name) => name.startsWith('core')));
    }),
  { skip: withoutCores() },
);

test('no core dump is reported where its size limit is 0', () =>
  withFolder(async (folder) => {
    const child = await startProcess('/bin/sh', ['sh', '-c', 'ulimit -c 0; kill -ABRT $$'], {
      cwd: folder,
    });
    const status = await child.wait();
    assert.equal(status.coreDumped, false);
    assert.equal(String(status), 'signal: aborted');
    assert.deepEqual(readdirSync(folder), []);
    assert.ok(existsSync(folder));
  }));

test('a status that is unknown stays unknown with another reason', async () => {
  const { usage } = await (await startProcess('/bin/true', ['true'])).wait();
  type Internal = { new (how: number, status: number, of: typeof usage): ExitStatus };
  const unknown = new (ExitStatus as unknown as Internal)(0, 0, usage);
  const stopped = (unknown as unknown as { with(more: { reason: string }): ExitStatus }).with({
    reason: 'timeout',
  });
  assert.equal(unknown.reason, 'unknown');
  assert.equal(stopped.reason, 'timeout');
  for (const { code, signal, ok } of [unknown, stopped]) {
    assert.deepEqual({ code, signal, ok }, { code: null, signal: null, ok: false });
  }
  assert.equal(String(stopped), 'exit status unknown');
});

/** Has the kernel reap children on its own while `work` runs: SIG_IGN for SIGCHLD. */
async function withoutZombies(work: () => Promise<void>): Promise<void> {
  const [ignore, before] = [new BigUint64Array([1n, 0n, 0n, 0n]), new BigUint64Array(4)];
  call('rt_sigaction', SIG.SIGCHLD, ignore, before, 8);
  try {
    await work();
  } finally {
    call('rt_sigaction', SIG.SIGCHLD, before, null, 8);
  }
}

test('the usage of a child that other code has reaped is undefined, not 0', async () => {
  needsLinux('rt_sigaction of the kernel');
  await withoutZombies(async () => {
    const child = await startProcess('/bin/sh', ['sh', '-c', 'exit 7']);
    const statuses = [
      await child.wait(),
      runSync('sh', ['-c', 'exit 7'], { reject: false }).status,
    ];
    for (const { usage, reason, code } of statuses) {
      const { wallTime, ...rest } = usage;
      assert.ok(wallTime !== undefined && wallTime > 0);
      assert.deepEqual(Object.values(rest), Array(9).fill(undefined));
      // Since Linux 6.15 the pidfd still has the status.
      assert.ok(reason === 'unknown' || code === 7);
    }
  });
});

test('nothing is known of the usage of a process that is not a child', async () => {
  needsLinux('pidfd_open');
  const parent = await spawn('sh', ['-c', 'sleep 60 & echo $!; wait'], { stdout: 'pipe' });
  const { value: pid } = await parent.lines()[Symbol.asyncIterator]().next();
  using stranger = Process.open(Number(pid));
  stranger.signal('SIGKILL');
  const { usage } = await stranger.wait();
  assert.deepEqual(new Set(Object.values(usage)), new Set([undefined]));
  await parent.exited;
});

/** The peak of this process' own memory, bytes. */
const ownPeak = (): number => process.resourceUsage().maxRSS * 1024;

test("maxRss is reported where it is the child's own", async () => {
  const own = await (await startProcess('/bin/true', ['true'])).wait();
  assert.equal(own.usage.maxRss, undefined);
  assert.equal(startProcessSync('/bin/true', ['true']).status(), undefined);
  assert.equal((await run('/bin/true')).status.usage.maxRss, undefined);
  assert.equal(runSync('/bin/true').status.usage.maxRss, undefined);

  const mib = 400 + Math.ceil(ownPeak() / 2 ** 20);
  const args = [String(mib)];
  const child = await startProcess(helper('touch'), ['touch', ...args]);
  const statuses = [
    await child.wait(),
    (await run(helper('touch'), args)).status,
    runSync(helper('touch'), args).status,
  ];
  for (const { usage, ok } of statuses) {
    assert.ok(ok);
    assert.ok(usage.maxRss !== undefined, 'it used more than this process ever did');
    const used = usage.maxRss / 2 ** 20;
    assert.ok(used >= mib && used < mib + 100, `${used} MiB for ${mib}`);
  }
});

test('CPU time and context switches are those of the child', async () => {
  const child = await startProcess('/bin/sh', [
    'sh',
    '-c',
    'n=0; while [ $n -lt 200000 ]; do n=$((n+1)); done; sleep 0.05',
  ]);
  const usage = knownUsage(await child.wait());
  assert.ok(usage.userTime > 1000, `user time ${usage.userTime} µs`);
  assert.ok(usage.systemTime >= 0);
  assert.ok(usage.wallTime > usage.userTime, `wall time ${usage.wallTime} µs`);
  assert.ok(Number.isInteger(usage.wallTime), 'whole microseconds, as all of them');
  assert.ok(usage.wallTime >= 50_000, 'it slept');
  assert.ok(usage.wallTime < 60e6);
  assert.ok(usage.minorFaults > 0);
  assert.ok(usage.voluntarySwitches > 0, 'it waited');
  for (const value of Object.values(usage)) {
    assert.ok(value === undefined || (Number.isFinite(value) && value >= 0));
  }
});

test('CPU time never exceeds the lifetime of a process', async () => {
  for (let round = 0; round < 20; round++) {
    const child = await startProcess('/bin/true', ['true']);
    const usage = knownUsage(round % 2 === 0 ? await child.wait() : runSync('/bin/true').status);
    await child.wait();
    assert.ok(usage.userTime + usage.systemTime <= usage.wallTime, JSON.stringify(usage));
  }
});
