// What the drop-in for node:child_process does in place of Node: it starts, signals and reaps.

import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import type { ChildProcess as Child } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import cp, { ChildProcess, exec, execFile, spawn, spawnSync } from '#dist/child_process/index.js';
import { needsHandles, outputOf } from '../helpers/drop-in.js';
import { patience } from '../helpers/patience.js';
import { children, test } from '../helpers/test.js';

const nodes = createRequire(import.meta.url)('node:child_process') as typeof cp;

interface WithHandle {
  _handle: {
    onexit: (code: number, signal: string) => void;
    hasRef(): boolean;
    kill(signal: number): number;
    close(callback?: () => void): void;
  } | null;
}

/** The handle of a child that runs. */
function handleOf(child: object): NonNullable<WithHandle['_handle']> {
  const { _handle } = child as WithHandle;
  assert.ok(_handle);
  return _handle;
}

/** As in /proc/PID/stat. */
function stateOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1').split(' ')[2];
  } catch {
    return 'gone';
  }
}

/** Blocks the event loop until the child has ended. */
function waitForZombie(pid: number | undefined): void {
  assert.ok(pid);
  for (const end = Date.now() + patience(20_000); stateOf(pid) !== 'Z'; ) {
    assert.ok(Date.now() < end, `the child is ${stateOf(pid)}`);
  }
}

test('a child has pipes as its standard streams, and a socket above them', async () => {
  needsHandles();
  const child = spawn('sh', ['-c', 'for n in 0 1 2 3; do readlink /proc/$$/fd/$n; done'], {
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  assert.match(await outputOf(child), /^(pipe:.*\n){3}socket:.*\n$/);
});

test("Node's own functions go on to launch as before", async () => {
  needsHandles();
  const child = nodes.spawn('readlink', ['/proc/self/fd/0']);
  assert.match(await outputOf(child), /^socket:/);
  assert.match(nodes.execFileSync('sh', ['-c', 'readlink /proc/$$/fd/1']).toString(), /^socket:/);
});

test('a synchronous run has pipes as its standard streams', () => {
  needsHandles();
  const { stdout } = spawnSync('sh', ['-c', 'readlink /proc/$$/fd/0 /proc/$$/fd/1']);
  assert.match(String(stdout), /^(pipe:.*\n){2}$/);
});

test('the child has only the descriptors that it was given', async () => {
  needsHandles();
  const child = spawn('ls', ['/proc/self/fd']);
  assert.deepEqual((await outputOf(child)).trim().split('\n'), ['0', '1', '2', '3']);
});

test('/dev/null as stdin cannot be written to', async () => {
  needsHandles();
  const flags = 'cat /proc/self/fdinfo/0; readlink /proc/self/fd/0';
  const child = spawn('sh', ['-c', flags], { stdio: ['ignore', 'pipe', 'inherit'] });
  assert.match(await outputOf(child), /flags:\s+0?100000\n(.*\n)*\/dev\/null\n$/);
});

test('the child has signals with their default action, and none blocked', async () => {
  needsHandles();
  const child = spawn('grep', ['-E', '^Sig(Blk|Ign)', '/proc/self/status']);
  assert.equal(await outputOf(child), 'SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n');
});

test('a real-time signal that ends a child has its name', async () => {
  needsHandles();
  const child = spawn('sh', ['-c', 'kill -36 $$']);
  assert.deepEqual(await once(child, 'exit'), [null, 'SIGRTMIN+2']);
  assert.equal(child.signalCode, 'SIGRTMIN+2');
  assert.equal(spawnSync('sh', ['-c', 'kill -36 $$']).signal, 'SIGRTMIN+2');
});

test('a child that has ended keeps its number while other code blocks the event loop', async () => {
  needsHandles();
  const child = spawn('true', { stdio: 'ignore' });
  const { pid } = child;
  assert.ok(pid);
  spawnSync('sleep', ['0.2']);
  waitForZombie(pid);
  assert.ok(process.kill(pid, 0));
  assert.equal(child.kill('SIGTERM'), true);
  assert.deepEqual(await once(child, 'exit'), [0, null]);
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  assert.equal(child.kill(), false);
});

test('a Worker that is terminated leaves no zombie of its children', async () => {
  needsHandles();
  const source = `
    import { parentPort } from 'node:worker_threads';
    const { spawn } = await import(${JSON.stringify(import.meta.resolve('#dist/child_process/index.js'))});
    parentPort.postMessage(spawn('sleep', ['100'], { stdio: 'ignore' }).pid);
    await new Promise(() => {});`;
  const url = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
  const worker = new Worker(url);
  const [pid] = (await once(worker, 'message')) as [number];
  await worker.terminate();
  assert.ok(children().length > 0);
  process.kill(pid, 'SIGKILL');
  for (const end = Date.now() + patience(20_000); ; await setImmediate()) {
    try {
      process.kill(pid, 0);
    } catch {
      break;
    }
    assert.ok(Date.now() < end, `${pid} is left: ${stateOf(pid)}`);
  }
});

test('the handle is a resource with the context of the caller', async () => {
  needsHandles();
  const storage = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  const closed = storage.run('first', () => {
    const child = spawn('echo', ['x']);
    child.on('exit', () => seen.push(storage.getStore()));
    child.stdout.on('data', () => seen.push(storage.getStore()));
    return once(child, 'close');
  });
  const other = storage.run('second', () => {
    const child = spawn('true', { stdio: 'ignore' });
    child.on('exit', () => seen.push(storage.getStore()));
    return once(child, 'close');
  });
  await Promise.all([closed, other]);
  assert.deepEqual(seen.sort(), ['first', 'first', 'second']);
});

test('an exception of a listener is an uncaught exception, and other children are told of', async () => {
  needsHandles();
  let tell: (error: unknown) => void = () => {};
  const told = new Promise<unknown>((resolve) => {
    tell = resolve;
  });
  const before = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.once('uncaughtException', tell);
  const child = spawn('true', { stdio: 'ignore' });
  const other = spawn('true', { stdio: 'ignore' });
  const ended = once(other, 'exit');
  child.on('exit', () => {
    throw new Error('of a listener');
  });
  const error = (await told) as Error;
  for (const listener of before) process.on('uncaughtException', listener);
  assert.equal(error.message, 'of a listener');
  assert.deepEqual(await ended, [0, null]);
});

test('a wrapper of ChildProcess.prototype.spawn changes what is launched', async () => {
  needsHandles();
  const prototype = ChildProcess.prototype as unknown as Record<
    'spawn',
    (options: object) => number
  >;
  const original = prototype.spawn;
  prototype.spawn = function spawn(options) {
    const given = options as { file: string; args: string[]; envPairs: string[] };
    given.envPairs = [...given.envPairs, 'ADDED=yes'];
    given.args.push('-u', 'HOME');
    given.file = given.file.replace('other', 'env');
    return original.call(this, options);
  };
  try {
    const printed = await outputOf(spawn('other', []));
    assert.match(printed, /^ADDED=yes$/m);
    assert.doesNotMatch(printed, /^HOME=/m);
  } finally {
    prototype.spawn = original;
  }
});

test('onexit of the handle is looked up when the child has ended', async () => {
  needsHandles();
  const child = spawn('sh', ['-c', 'exit 3'], { stdio: 'ignore' });
  const handle = handleOf(child);
  const original = handle.onexit;
  const seen: unknown[] = [];
  handle.onexit = (code, signal) => {
    seen.push(code, signal, handle.hasRef());
    original.call(handle, 5, signal);
  };
  assert.deepEqual(await once(child, 'exit'), [5, null]);
  assert.deepEqual(seen, [3, '', false]);
  let told = false;
  handle.close(() => {
    told = true;
  });
  await setImmediate();
  await setImmediate();
  assert.ok(told);
  assert.equal(handle.kill(15), -3);
});

test('a handle reports whether it keeps the event loop alive', async () => {
  needsHandles();
  const child = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] });
  const handle = handleOf(child);
  assert.equal(handle.hasRef(), true);
  child.unref();
  assert.equal(handle.hasRef(), false);
  child.ref();
  assert.equal(handle.hasRef(), true);
  child.stdin.end();
  await once(child, 'exit');
  assert.equal(handle.hasRef(), false);
});

test('a child that is not referenced does not keep its program alive', async () => {
  needsHandles();
  const source = `
    import { spawn } from ${JSON.stringify(import.meta.resolve('#dist/child_process/index.js'))};
    const child = spawn('sleep', ['100'], { stdio: 'ignore' });
    child.unref();
    process.on('exit', () => child.kill('SIGKILL'));`;
  const program = nodes.spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: 'inherit',
    timeout: patience(20_000),
  });
  assert.deepEqual(await once(program, 'exit'), [0, null]);
});

test('the handles of many children with pipes leave the memory of the runtime intact', async () => {
  needsHandles();
  const source = `
    import { spawn } from ${JSON.stringify(import.meta.resolve('#dist/child_process/index.js'))};
    for (let round = 0; round < 50; round++) {
      for (const name of ['true', 'nothing-of-that-name']) {
        const child = spawn(name, { stdio: ['ignore', 'pipe', 'ignore'] });
        child.on('error', () => {});
        await new Promise((resolve) => child.on('close', resolve));
      }
    }`;
  // glibc compares what it knows of each block with the block itself; other systems ignore both.
  const env = { ...process.env, LD_PRELOAD: 'libc_malloc_debug.so.0', MALLOC_CHECK_: '3' };
  const program = nodes.spawn(process.execPath, ['--input-type=module', '-e', source], {
    env,
    stdio: 'ignore',
  });
  assert.deepEqual(await once(program, 'exit'), [0, null]);
});

test('a handle whose launch failed signals nobody', async () => {
  needsHandles();
  const child = spawn('nothing-of-that-name');
  assert.equal(handleOf(child).kill(0), -3);
  assert.equal(child.kill(), false);
  await once(child, 'error');
});

test('a handle that is closed early leaves its child to be reaped', async () => {
  needsHandles();
  const child = spawn('sleep', ['100'], { stdio: 'ignore' });
  const { pid } = child;
  assert.ok(pid);
  child.on('exit', () => assert.fail('nothing is told of it'));
  handleOf(child).close();
  process.kill(pid, 'SIGKILL');
  for (const end = Date.now() + patience(20_000); ; await setImmediate()) {
    try {
      process.kill(pid, 0);
    } catch {
      break;
    }
    assert.ok(Date.now() < end, `${pid} is left`);
  }
});

test('timeouts and aborts call the kill that the child has then', async () => {
  needsHandles();
  const child = spawn('sleep', ['100'], { timeout: 50, stdio: 'ignore' });
  const { kill } = child;
  const signals: unknown[] = [];
  child.kill = (signal) => {
    signals.push(signal);
    return kill.call(child, 'SIGKILL');
  };
  assert.deepEqual(await once(child, 'exit'), [null, 'SIGKILL']);
  assert.deepEqual(signals, [undefined]);
});

test('ChildProcess is a function that can be called, extended and asked for instances', async () => {
  needsHandles();
  class Mine extends ChildProcess {}
  function Old(this: object): void {
    (ChildProcess as unknown as () => void).call(this);
  }
  Old.prototype = Object.create(ChildProcess.prototype);
  const made = [new Mine(), Reflect.construct(Old, []), new ChildProcess()] as Child[];
  for (const child of made) {
    assert.ok(child instanceof ChildProcess);
    const spawned = child as Child & { spawn(options: object): number };
    const options = {
      file: 'readlink',
      args: ['readlink', '/proc/self/fd/0'],
      envPairs: ['PATH=/bin'],
    };
    assert.ok(Object.is(spawned.spawn(options), 0));
    assert.match(await outputOf(child), /^pipe:/);
  }
  const foreign = nodes.spawn('true', { stdio: 'ignore' });
  assert.ok(foreign instanceof ChildProcess);
  const own = spawn('true', { stdio: 'ignore' });
  assert.ok(own instanceof nodes.ChildProcess);
  await Promise.all([once(foreign, 'close'), once(own, 'close')]);
});

test('exec calls the execFile that the module object has then', async () => {
  needsHandles();
  const original = cp.execFile;
  const lines: string[] = [];
  (cp as { execFile: unknown }).execFile = (file: string, ...rest: unknown[]) => {
    lines.push(file);
    return Reflect.apply(original, cp, [file, ...rest]);
  };
  try {
    const { stdout } = await promisify(exec)('echo one');
    assert.equal(stdout, 'one\n');
    assert.deepEqual(lines, ['echo one']);
  } finally {
    (cp as { execFile: unknown }).execFile = original;
  }
});

test('an instance of ChildProcess is one of the class of the runtime', () => {
  assert.ok(new cp.ChildProcess() instanceof nodes.ChildProcess);
});

test('the module object has the members of the module of Node, in its order', () => {
  const [own, node] = [cp, nodes] as unknown as Record<string, { length: number; name: string }>[];
  assert.deepEqual(Object.keys(own ?? {}), Object.keys(node ?? {}));
  for (const name of Object.keys(node ?? {})) {
    assert.equal(own?.[name]?.length, node?.[name]?.length, name);
    assert.equal(own?.[name]?.name, node?.[name]?.name, name);
  }
});

test('a promise of execFile has the child, and its refusals are thrown', async () => {
  const promise = promisify(execFile)('echo', ['x']);
  assert.ok(promise.child instanceof ChildProcess);
  assert.deepEqual(await promise, { stdout: 'x\n', stderr: '' });
  assert.throws(() => promisify(execFile)(''), { code: 'ERR_INVALID_ARG_VALUE' });
});

test('what is set on Object.prototype does not reach a child', async () => {
  needsHandles();
  const prototype = Object.prototype as Record<string, unknown>;
  const values = { uid: 1, cwd: '/', argv0: 'x', env: {}, umask: 0, path: '/', session: true };
  Object.assign(prototype, values);
  try {
    const child = spawn('sh', ['-c', 'id -u; pwd; echo $0'], {});
    for (const name of Object.keys(values)) delete prototype[name];
    assert.equal(await outputOf(child), `${process.getuid?.()}\n${process.cwd()}\nsh\n`);
  } finally {
    for (const name of Object.keys(values)) delete prototype[name];
  }
});

test('output that a child leaves behind when it exits at once is whole up to 128 KiB', async () => {
  needsHandles();
  const script = "process.stdout.write('x'.repeat(131072)); process.exit()";
  const child = spawn(process.execPath, ['-e', script]);
  waitForZombie(child.pid);
  assert.equal((await outputOf(child)).length, 131_072);
});

test('a child that cannot be started leaves no descriptor and no process', async () => {
  needsHandles();
  const before = readdirSync('/proc/self/fd').length;
  for (let round = 0; round < 20; round++) {
    const child = spawn('nothing-of-that-name', { stdio: ['pipe', 'pipe', 'pipe', 'pipe', 'ipc'] });
    child.on('error', () => {});
    await new Promise((resolve) => child.on('close', resolve));
    assert.throws(() => spawn('true', { stdio: ['pipe', 987, 'pipe'] }), { code: 'EBADF' });
  }
  await setImmediate();
  assert.equal(readdirSync('/proc/self/fd').length, before);
  assert.ok(readlinkSync('/proc/self/fd/0').length > 0);
});
