// The main jobs without a test runner: `node`, `bun run` and `deno run -A` all take this file as it
// is. Deno's runner has the tests on another thread than the process' first; here it is the first.
//
// Prints one line a case, as TAP has it; scripts/test-runtimes.mjs counts them.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { ExitError, LaunchError, lookPath, run, runSync, spawn } from '#dist/index.js';
import { startProcess, startProcessSync } from '#dist/process/index.js';

const CASE_TIMEOUT_MS = 20_000;
/** More than a pipe holds, so that both sides have to wait for each other. */
const LARGE = 'forkexec\n'.repeat(100_000);

async function readAll(stream: AsyncIterable<Uint8Array> | null): Promise<string> {
  assert.ok(stream !== null);
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** The error that `body` ends with. */
async function failure(body: () => unknown): Promise<unknown> {
  try {
    await body();
  } catch (error) {
    return error;
  }
  return assert.fail('it should have failed');
}

const cases: Record<string, () => unknown> = {
  async 'run collects stdout and stderr'() {
    const { stdout, stderr, status } = await run('sh', ['-c', 'echo out; echo err >&2']);
    assert.deepEqual([stdout, stderr, status.code], ['out', 'err', 0]);
    assert.ok((status.usage.wallTime ?? 0) > 0);
  },

  async 'run feeds stdin, more than a pipe holds'() {
    const { stdout } = await run('cat', { input: LARGE, stripFinalNewline: false });
    assert.equal(stdout, LARGE);
  },

  async 'run passes bytes through'() {
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const { stdout } = await run('cat', { input: bytes, encoding: 'buffer' });
    assert.deepEqual([...(stdout as unknown as Uint8Array)], [...bytes]);
  },

  'runSync does the same'() {
    const { stdout, stderr } = runSync('sh', ['-c', 'cat; echo err >&2'], {
      input: LARGE,
      stripFinalNewline: false,
    });
    assert.deepEqual([stdout, stderr], [LARGE, 'err\n']);
  },

  async 'streams go both ways'() {
    const child = await spawn('cat', { stdin: 'pipe', stdout: 'pipe' });
    child.stdin?.end(LARGE);
    assert.equal(await readAll(child.stdout), LARGE);
    assert.ok((await child.closed).ok);
  },

  async 'what was written before the exit is there after it'() {
    const child = await spawn('head', ['-c', '60000', '/dev/zero'], { stdout: 'pipe' });
    await child.exited;
    assert.equal((await readAll(child.stdout)).length, 60_000);
    await child.closed;
  },

  async 'a socket goes both ways at one descriptor'() {
    const child = await spawn('sh', ['-c', 'read line <&3; echo "got $line" >&3'], {
      fds: { 3: 'socket' },
    });
    const socket = child.fds.get(3) as unknown as NodeJS.ReadWriteStream;
    socket.write('it\n');
    assert.equal(await readAll(socket as AsyncIterable<Uint8Array>), 'got it\n');
    await child.closed;
  },

  async 'files are read and written'() {
    const folder = mkdtempSync(join(tmpdir(), 'forkexec-smoke-'));
    try {
      const file = join(folder, 'out');
      await run('sh', ['-c', 'echo one; echo two >&2'], { stdout: { file }, stderr: 'stdout' });
      const { stdout } = await run('cat', { stdin: { file } });
      assert.equal(stdout, 'one\ntwo');
      assert.equal(readFileSync(file, 'utf8'), 'one\ntwo\n');
    } finally {
      rmSync(folder, { recursive: true });
    }
  },

  async 'options reach the child'() {
    const options = {
      cwd: '/usr',
      env: { SMOKE: 'ü', HOME: undefined },
      umask: 0o027,
      session: true,
    };
    const script = 'pwd; echo "$SMOKE-$HOME"; umask; [ "$(cut -d" " -f6 /proc/$$/stat)" = $$ ]';
    const { stdout } = await run('sh', ['-c', script], options);
    assert.deepEqual(stdout.split('\n'), ['/usr', 'ü-', '0027']);
  },

  async 'what the runtime set in process.env is inherited'() {
    process.env['FORKEXEC_SMOKE'] = 'inherited';
    try {
      const { stdout } = await run('sh', ['-c', 'echo "$FORKEXEC_SMOKE"']);
      assert.equal(stdout, 'inherited');
    } finally {
      delete process.env['FORKEXEC_SMOKE'];
    }
    const { stdout } = await run('sh', ['-c', 'echo "$FORKEXEC_SMOKE"']);
    assert.equal(stdout, '');
  },

  async 'a launch that fails names the step'() {
    const missing = await failure(() => spawn('no-such-program-at-all'));
    assert.ok(missing instanceof LaunchError);
    assert.deepEqual([missing.step, missing.code], ['execve', 'ENOENT']);
    const directory = await failure(() => spawn('true', { cwd: '/no/such/directory' }));
    assert.ok(directory instanceof LaunchError);
    assert.deepEqual([directory.step, directory.argument], ['chdir', '/no/such/directory']);
    const sync = await failure(() => runSync('/etc/passwd'));
    assert.ok(sync instanceof LaunchError);
    assert.equal(sync.code, 'EACCES');
  },

  async 'a command that fails rejects with its status and output'() {
    const error = await failure(() => run('sh', ['-c', 'echo oh >&2; exit 3']));
    assert.ok(error instanceof ExitError);
    assert.equal(error.status.code, 3);
    assert.equal(error.stderr, 'oh');
    const wrong = await failure(() => run('true', { timeout: -1 }));
    assert.ok(wrong instanceof RangeError);
  },

  async 'signals end a process and are told'() {
    const child = await spawn('sleep', ['60']);
    assert.equal(child.kill('SIGUSR1'), true);
    const status = await child.exited;
    assert.deepEqual([status.code, status.signal, status.shellCode], [null, 'SIGUSR1', 138]);
    assert.equal(child.kill(), false);
  },

  async 'timeout and AbortSignal stop a command'() {
    const child = await spawn('sleep', ['60'], { timeout: 20 });
    assert.equal((await child.exited).reason, 'timeout');
    const controller = new AbortController();
    const aborted = await spawn('sleep', ['60'], { signal: controller.signal });
    controller.abort();
    assert.equal((await aborted.exited).reason, 'aborted');
    const sync = runSync('sleep', ['60'], { timeout: 20, reject: false });
    assert.equal(sync.status.reason, 'timeout');
  },

  async 'the process layer starts and waits'() {
    const files = ['null', 'null', 'null'] as const;
    const process = await startProcess('/bin/sh', ['sh', '-c', 'exit 5'], { files });
    assert.equal((await process.wait()).code, 5);
    const sync = startProcessSync('/bin/sh', ['sh', '-c', 'exit 6'], { files });
    assert.equal((await sync.wait()).code, 6);
  },

  async 'many at once, and no descriptor is left'() {
    await run('true');
    const before = openDescriptors();
    const codes = await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const options = { reject: false } as const;
        const { status } = await run('sh', ['-c', `exit ${index % 7}`], options);
        return status.code;
      }),
    );
    assert.deepEqual(
      codes,
      codes.map((_, index) => index % 7),
    );
    assert.equal(openDescriptors(), before);
  },

  'lookPath finds programs'() {
    assert.ok(existsSync(lookPath('sh')));
  },

  async 'a Worker launches too'() {
    const worker = new Worker(new URL(import.meta.url));
    const [message] = (await once(worker, 'message')) as [unknown];
    await worker.terminate();
    assert.deepEqual(message, { async: 'worker', sync: 'worker', code: 4 });
  },

  async 'a Worker ends while its children run'() {
    const worker = new Worker(new URL(import.meta.url), { workerData: 'leave' });
    const [pid] = (await once(worker, 'message')) as [number];
    await worker.terminate();
    await run('true');
    process.kill(pid, 'SIGKILL');
  },
};

/** What this file does in a Worker: the main jobs again, and a report. */
async function inWorker(leave: boolean): Promise<void> {
  if (leave) {
    const child = await spawn('sleep', ['60'], { stdin: 'null', stdout: 'null', stderr: 'null' });
    parentPort?.postMessage(child.pid);
    return;
  }
  const { stdout } = await run('cat', { input: 'worker' });
  const sync = runSync('sh', ['-c', 'echo worker']);
  const child = await spawn('sh', ['-c', 'exit 4']);
  const { code } = await child.exited;
  parentPort?.postMessage({ async: stdout, sync: sync.stdout, code });
}

async function runCase(name: string, body: () => unknown): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('it takes too long')), CASE_TIMEOUT_MS);
  });
  try {
    await Promise.race([Promise.resolve().then(body), late]);
    console.log(`ok - ${name}`);
    return true;
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    console.log(`not ok - ${name}\n${text.replace(/^/gm, '  ')}`);
    return false;
  } finally {
    clearTimeout(timer);
  }
}

if (isMainThread) {
  // That nothing of it keeps the event loop alive is the last case: this process ends by itself.
  for (const [name, body] of Object.entries(cases)) {
    if (!(await runCase(name, body))) process.exitCode = 1;
  }
} else {
  await inWorker(workerData === 'leave');
}
