import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { LaunchError, run, runSync } from '#dist/index.js';
import { startProcess } from '#dist/process/index.js';
import { helper, withFolder } from '../helpers/state.js';
import type { SyncReport } from '../helpers/sync-worker.js';
import { openDescriptors, test } from '../helpers/test.js';

test('runSync blocks the event loop until the end', async () => {
  const events: string[] = [];
  setImmediate(() => events.push('immediate'));
  const timer = setTimeout(() => events.push('timer'), 0);
  void Promise.resolve().then(() => events.push('microtask'));
  runSync('sleep', ['0.05']);
  events.push('over');
  await new Promise((resolve) => setTimeout(resolve, 5));
  await new Promise(setImmediate); // where all timers were due at once, it is the immediate's turn
  clearTimeout(timer);
  assert.equal(events[0], 'over');
  assert.equal(events.length, 4);
});

test('children that end during runSync are reported afterwards', async () => {
  const child = await startProcess('/bin/sleep', ['sleep', '60']);
  const waiting = child.wait();
  const script = 'kill $0; while kill -0 $0 2>/dev/null; do sleep 0.01; done';
  runSync('sh', ['-c', script, `${child.pid}`]);
  assert.equal(child.status(), undefined, 'it was reaped, but this thread does not know');
  assert.equal((await waiting).signal, 'SIGTERM');
});

test('runSync leaves nothing behind when it returns or throws', () => {
  const before = openDescriptors();
  const all: (() => unknown)[] = [
    () => runSync('true'),
    () => runSync('cat', { input: 'x'.repeat(1_000_000) }),
    () => runSync('sh', ['-c', 'exit 1'], { reject: false }),
    () => assert.throws(() => runSync('sh', ['-c', 'exit 1'])),
    () => assert.throws(() => runSync('/no/such/program', { input: 'x' }), LaunchError),
    () => assert.throws(() => runSync('true', { cwd: '/no/dir', stdin: { file: '/dev/null' } })),
    () => assert.throws(() => runSync('sleep', ['60'], { timeout: 5 })),
    () => assert.throws(() => runSync('cat', ['/dev/zero'], { maxBuffer: 10 })),
    () => runSync('true', { fds: { 3: 'pipe', 4: 'socket', 5: 'null' } }),
    () => runSync('true', { stdin: 'pipe', stdout: 'socket', stderr: 'stdout' }),
  ];
  for (const one of all) {
    one();
    assert.deepEqual(openDescriptors(), before, String(one));
  }
});

test('100 calls of runSync each have their own output', () => {
  const outputs = Array.from({ length: 100 }, (_, index) => runSync('echo', [`${index}`]).stdout);
  assert.deepEqual(outputs, [...outputs.keys()].map(String));
});

test('runSync can be called while the output of another command is read', async () => {
  const { stdout } = await run('sh', ['-c', 'echo one; echo two >&2; echo three']);
  const outputs: string[] = [];
  const writing = run('sh', ['-c', 'for i in 1 2 3; do echo $i; sleep 0.01; done'], {
    stdout: new WritableStream<Uint8Array>({
      write(chunk) {
        outputs.push(runSync('cat', { input: chunk }).stdout);
      },
    }),
  });
  await writing;
  assert.equal(outputs.join('\n'), '1\n2\n3');
  assert.equal(stdout, 'one\nthree');
});

test('runSync works in an exit handler', () =>
  withFolder(async (folder) => {
    const marker = join(folder, 'marker');
    const code = `
      import { runSync } from '#dist/index.js';
      process.on('exit', () => runSync('touch', [${JSON.stringify(marker)}]));
      process.exit(3);`;
    const cwd = join(helper('.'), '..', '..', '..');
    const args = ['--input-type=module', '-e', code];
    const { status } = await run(process.execPath, args, { cwd, reject: false });
    assert.equal(status.code, 3);
    assert.ok(existsSync(marker));
  }));

test('runSync works in a Worker, where the launching thread launches', async () => {
  const worker = new Worker(helper('sync-worker.js'));
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  const report = await new Promise<SyncReport>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  const outputs = Array.from({ length: 20 }, (_, index) => `${index}`);
  assert.deepEqual(report, { outputs, failure: 'ENOENT' });
  await ended;
});
