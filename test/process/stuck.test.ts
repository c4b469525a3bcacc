// A launch whose child does not get to its program: it holds up nothing else, and can be ended.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, readdirSync, readFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { LaunchError, run, runSync, spawn } from '#dist/index.js';
import { startProcess } from '#dist/process/index.js';
import { notify } from '#dist/signal/index.js';
import { call } from '#dist/syscall/call.js';
import { PR } from '#dist/syscall/constants.js';
import { forkLock } from '#dist/syscall/fork-lock.js';
import { needsLinux } from '../helpers/backend.js';
import { needsHandles } from '../helpers/drop-in.js';
import { asRoot } from '../helpers/identity.js';
import { atExecve, withHeld } from '../helpers/slow-launch.js';
import { helper, withFolder } from '../helpers/state.js';
import { processState, until } from '../helpers/streams.js';
import { children, test } from '../helpers/test.js';

// What the first listener to signals opens stays open.
notify('SIGUSR2')[Symbol.dispose]();

/** More than there are launching threads, so that others have to be started. */
const STUCK = 12;

/** Milliseconds; what waits for it waits for no more than that something is over. */
const SHORT = 100;

test(`${STUCK} launches that are stuck hold up no launch, exit, output, signal or kill`, async () => {
  needsLinux('A lease that holds an execve');
  const before = await spawn('sh', ['-c', 'read line; echo "got $line"'], {
    stdin: 'pipe',
    stdout: 'pipe',
  });
  const killed = await startProcess('/bin/sleep', ['sleep', '1000']);
  await withHeld(STUCK, async ({ files, release }) => {
    const stuck = files.map((file) => startProcess(file, ['true']));
    await atExecve(STUCK);
    assert.equal((await run('echo', ['another'])).stdout, 'another');
    assert.equal(runSync('echo', ['here']).stdout, 'here');
    assert.equal((await Promise.all([1, 2, 3, 4].map(() => run('true')))).length, 4);
    before.stdin.end('word\n');
    let output = '';
    for await (const chunk of before.stdout) output += chunk;
    assert.equal(output, 'got word\n');
    assert.ok((await before.exited).ok);
    const signals = notify('SIGUSR2');
    process.kill(process.pid, 'SIGUSR2');
    for await (const { signal } of signals) {
      assert.equal(signal, 'SIGUSR2');
      break;
    }
    assert.equal(killed.signal('SIGKILL'), true);
    assert.equal((await killed.wait()).signal, 'SIGKILL');
    assert.equal(children().length, STUCK);
    release();
    for (const launch of stuck) assert.ok((await (await launch).wait()).ok);
  });
});

/** What the kernel shows of a thread or process that children inherit: nice value, processors, rights. */
function inherited(path: string): string {
  const stat = readFileSync(`${path}/stat`, 'latin1');
  const nice = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16];
  const status = readFileSync(`${path}/status`, 'latin1');
  const lines = status.match(/^(Cpus_allowed|CapEff|Uid|Seccomp|NoNewPrivs):.*$/gm) ?? [];
  return [`nice ${nice}`, ...lines].join(', ');
}

test(
  'all launching threads have the same attributes, whatever the main thread had when they were started',
  async () => {
    needsLinux('A lease that holds an execve');
    await run('true');
    const before = getPriority();
    setPriority(before + 3);
    try {
      await withHeld(STUCK, async ({ files, release }) => {
        const stuck = files.map((file) => startProcess(file, ['true']));
        const pids = await atExecve(STUCK);
        const tasks = readdirSync('/proc/self/task').map((id) => `/proc/self/task/${id}`);
        const threads = tasks.filter((task) => {
          return readFileSync(`${task}/comm`, 'utf8') === 'forkexec-launch\n';
        });
        assert.ok(threads.length >= STUCK, `${threads.length} threads`);
        assert.equal(new Set(threads.map(inherited)).size, 1);
        assert.equal(new Set(pids.map((pid) => inherited(`/proc/${pid}`))).size, 1);
        release();
        await Promise.all(stuck.map(async (launch) => (await launch).wait()));
      });
    } finally {
      setPriority(before);
    }
  },
  asRoot,
);

test('a launch passes code that waits for the fork lock because of a launch that is stuck', async () => {
  needsLinux('A lease that holds an execve');
  await withHeld(1, async ({ files: [file = ''], release }) => {
    const stuck = startProcess(file, ['true']);
    await atExecve(1);
    let isLocked = false;
    const locked = forkLock.write(() => {
      isLocked = true;
    });
    assert.equal((await run('echo', ['another'])).stdout, 'another');
    assert.ok(!isLocked, 'a launch is under way');
    release();
    await locked;
    await (await stuck).wait();
  });
});

test('the timeout of a command ends a launch that is stuck, and its child', async () => {
  needsLinux('A lease that holds an execve');
  await withHeld(1, async ({ files: [file = ''] }) => {
    const options = { timeout: SHORT, stdin: 'pipe', stdout: 'pipe' } as const;
    for (const start of [() => spawn(file, [], options), () => run(file, [], options)]) {
      const error = await start().catch((thrown: unknown) => thrown);
      assert.ok(error instanceof LaunchError, String(error));
      assert.deepEqual([error.step, error.code, error.argument], ['execve', 'ETIMEDOUT', file]);
      assert.match(error.message, /the launch took longer than the timeout/);
      assert.deepEqual(children(), []);
    }
  });
});

test('the timeout of runSync ends a launch that is stuck, and its child', async () => {
  needsLinux('A lease that holds an execve');
  await withHeld(1, async ({ files: [file = ''] }) => {
    assert.throws(
      () => runSync(file, { timeout: SHORT }),
      (error) =>
        error instanceof LaunchError && error.step === 'execve' && error.code === 'ETIMEDOUT',
    );
    assert.deepEqual(children(), []);
  });
});

test('an aborted signal ends a launch that is stuck, with its reason', async () => {
  needsLinux('A lease that holds an execve');
  await withHeld(1, async ({ files: [file = ''] }) => {
    const controller = new AbortController();
    const launch = spawn(file, { signal: controller.signal, stdout: 'pipe' });
    await atExecve(1);
    controller.abort(new Error('no longer wanted'));
    await assert.rejects(launch, { message: 'no longer wanted' });
    assert.deepEqual(children(), []);
  });
});

test('a launch that waits for the fork lock can be aborted, and never starts', async () => {
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  let isHeld = (): void => {};
  const held = new Promise<void>((resolve) => {
    isHeld = resolve;
  });
  const locked = forkLock.read(() => {
    isHeld();
    return gate;
  });
  await held;
  await withFolder(async (folder) => {
    const controller = new AbortController();
    const { signal } = controller;
    const file = join(folder, 'touched');
    const launch = run('touch', [file], { signal });
    const timed = run('touch', [file], { timeout: SHORT });
    setImmediate(() => controller.abort());
    await assert.rejects(launch, { name: 'AbortError' });
    await assert.rejects(timed, { name: 'LaunchError', step: 'clone', code: 'ETIMEDOUT' });
    release();
    await locked;
    await run('true');
    await assert.rejects(run('cat', [file]), { name: 'ExitError' });
  });
});

test('the timeout and the signal of a command end the opening of its files', async () => {
  await withFolder(async (folder) => {
    const fifo = join(folder, 'fifo');
    await run('mkfifo', [fifo]);
    const stdin = { file: fifo };
    await assert.rejects(run('cat', { stdin, timeout: SHORT }), {
      name: 'LaunchError',
      step: 'open',
      code: 'ETIMEDOUT',
      argument: fifo,
    });
    const controller = new AbortController();
    const launch = spawn('cat', { stdin, signal: controller.signal });
    setImmediate(() => controller.abort(new Error('no longer wanted')));
    await assert.rejects(launch, { message: 'no longer wanted' });
    // Opened by a writer, both threads that wait for one are free.
    await run('true', { stdout: { file: fifo } });
  });
});

test('a child that is stopped before its program is continued, and stops once it runs it', async () => {
  needsLinux('A lease that holds an execve');
  await withHeld(
    1,
    async ({ files: [file = ''], release }) => {
      const launch = startProcess(file, ['sleep', '1000']);
      const [pid = 0] = await atExecve(1);
      process.kill(pid, 'SIGSTOP');
      await sleep(SHORT);
      assert.equal((await run('echo', ['another'])).stdout, 'another');
      release();
      const child = await launch;
      assert.equal(child.pid, pid);
      await until('it is stopped', () => processState(pid) === 'T');
      child.signal('SIGCONT');
      await until('it is continued', () => processState(pid) === 'S');
      child.signal('SIGKILL');
      await child.wait();
    },
    '/bin/sleep',
  );
});

test(
  'the memory of this process stays closed while a child of another user is before its program',
  async () => {
    needsLinux('A lease that holds an execve');
    const isDumpable = (): number => call('prctl', PR.PR_GET_DUMPABLE);
    const flag = isDumpable();
    assert.equal(flag, 1);
    await withHeld(1, async ({ files: [file = ''], release }) => {
      chmodSync(dirname(file), 0o755);
      const launch = startProcess(file, ['true'], { credential: { uid: 65534, gid: 65534 } });
      await atExecve(1);
      assert.equal(isDumpable(), 0);
      runSync('true');
      await run('true', { credential: { uid: 65533, gid: 65533 } });
      assert.equal(isDumpable(), 0);
      release();
      await (await launch).wait();
      assert.equal(isDumpable(), flag);
    });
  },
  asRoot,
);

const WORKER = `
const { parentPort, workerData } = require('node:worker_threads');
import(workerData.index).then(({ runSync }) => {
  parentPort.postMessage('ready');
  const stdio = { stdin: 'null', stdout: 'null', stderr: 'null' };
  runSync(workerData.file, stdio);
});
`;

test('a Worker that waits for a launch that is stuck can be terminated', async () => {
  needsLinux('A lease that holds an execve');
  const index = new URL('../../../dist/index.js', import.meta.url).href;
  await withHeld(1, async ({ files: [file = ''], release }) => {
    const worker = new Worker(WORKER, { eval: true, workerData: { index, file } });
    await once(worker, 'message');
    await atExecve(1);
    await worker.terminate();
    assert.equal((await run('echo', ['another'])).stdout, 'another');
    release();
    await until('the child has ended', () => children().length === 0);
  });
});

const DROP_IN_WORKER = `
const { parentPort, workerData } = require('node:worker_threads');
import(workerData.index).then(({ spawn }) => {
  parentPort.postMessage('ready');
  spawn(workerData.file, { stdio: 'inherit' });
});
`;

test('a Worker that is terminated while its drop-in launch is stuck leaves no zombie', async () => {
  needsLinux('A lease that holds an execve');
  needsHandles();
  const index = new URL('../../../dist/child_process/index.js', import.meta.url).href;
  await withHeld(1, async ({ files: [file = ''], release }) => {
    const worker = new Worker(DROP_IN_WORKER, { eval: true, workerData: { index, file } });
    await once(worker, 'message');
    await atExecve(1);
    await worker.terminate();
    release();
    await until('the child has ended and is reaped', () => children().length === 0);
  });
});

/** Calls `use` with a directory whose file system does not answer; `asked` resolves at the first request. */
async function withStalled(
  context: TestContext,
  use: (folder: string, asked: Promise<unknown>) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    const server = await spawn(helper('stalled-fs'), [folder], { stdin: 'null', stdout: 'pipe' });
    const lines = server.lines()[Symbol.asyncIterator]();
    const first = (await lines.next()).value as string;
    try {
      if (first === 'mounted') await use(folder, lines.next());
      else context.skip(first);
    } finally {
      server.kill('SIGTERM');
      await server.exited;
    }
  });
}

test('a launch whose child can not be killed is given up after a second, and the child reaped', async (context) => {
  needsLinux('A file system of FUSE');
  await withStalled(context, async (folder, asked) => {
    const controller = new AbortController();
    const aborted = spawn('true', { cwd: join(folder, 'inside'), signal: controller.signal });
    await asked;
    controller.abort(new Error('no longer wanted'));
    await assert.rejects(aborted, { message: 'no longer wanted' });
    const late = { name: 'LaunchError', code: 'ETIMEDOUT' };
    const program = join(folder, 'program');
    await assert.rejects(run(program, { timeout: SHORT }), { ...late, step: 'execve' });
    assert.throws(() => runSync('true', { cwd: join(folder, 'inside'), timeout: SHORT }), {
      ...late,
      step: 'chdir',
      argument: join(folder, 'inside'),
    });
    assert.equal(children().length, 4, 'the server and three that are stuck');
    assert.equal((await run('echo', ['another'])).stdout, 'another');
  });
  await until('all of them are reaped', () => children().length === 0);
});
