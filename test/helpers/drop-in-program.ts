// Does one thing after another with node:child_process or with the drop-in, and prints what came of
// each as a line of JSON: drop-in-program.js node|forkexec. The lines are to be the same.

import { createHook } from 'node:async_hooks';
import * as nodes from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import * as ours from '#dist/child_process/index.js';

const cp = process.argv[2] === 'node' ? nodes : (ours as unknown as typeof nodes);
const folder = mkdtempSync(join(tmpdir(), 'forkexec-'));

type Child = nodes.ChildProcess;

/** What an error says of itself. */
function shown(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { message, name } = error;
  const own = { ...error } as { error?: unknown; pid?: unknown };
  if (typeof own.pid === 'number') own.pid = own.pid > 0;
  if (own.error === error) own.error = 'itself';
  return { name, message, own };
}

/** The events of a child, each with its arguments, up to 'close' or the failure of the start. */
function events(child: Child): Promise<unknown> {
  const seen: unknown[] = [];
  const { promise, resolve } = withResolvers<unknown>();
  for (const name of ['spawn', 'error', 'exit', 'close', 'disconnect'] as const) {
    child.on(name, (...args: unknown[]) => seen.push([name, ...args.map(shown)]));
  }
  child.on('close', () => resolve(seen));
  return promise;
}

function withResolvers<T>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** The events and the output. */
async function whole(child: Child): Promise<unknown> {
  const text = ['', ''];
  child.stdout?.on('data', (bytes) => {
    text[0] += bytes;
  });
  child.stderr?.on('data', (bytes) => {
    text[1] += bytes;
  });
  return [await events(child), ...text];
}

function thrown(run: () => unknown): unknown {
  try {
    return ['returned', run()];
  } catch (error) {
    return ['thrown', shown(error)];
  }
}

function called(run: (callback: (...args: unknown[]) => void) => unknown): Promise<unknown> {
  return new Promise((resolve) => {
    run((...args) => resolve(args.map(shown)));
  });
}

async function settled(promise: Promise<unknown>): Promise<unknown> {
  try {
    return ['resolved', await promise];
  } catch (error) {
    return ['rejected', shown(error)];
  }
}

function syncResult(result: nodes.SpawnSyncReturns<unknown>): unknown {
  const { pid, output, error, stdout, stderr, status, signal } = result;
  const types = [stdout, stderr].map((bytes) => Object.prototype.toString.call(bytes));
  const texts = output?.map((bytes) => bytes && String(bytes)) ?? output;
  const keys = Object.keys(result);
  return { keys, status, signal, hasPid: pid > 0, output: texts, types, error: shown(error) };
}

const script = join(folder, 'script');
writeFileSync(script, 'echo "$0 $1"; exit 4\n', { mode: 0o755 });
writeFileSync(join(folder, 'plain'), 'text', { mode: 0o644 });
writeFileSync(join(folder, 'lost'), '#!/nowhere/interpreter\n', { mode: 0o755 });
const child = join(folder, 'child.js');
writeFileSync(
  child,
  `process.on('message', (message) => {
    if (message === 'leave') process.disconnect();
    else process.send({ message, argv: process.argv.slice(2), set: process.env.SET });
  });`,
);
const at = { env: { PATH: '/usr/bin:/bin' } };

async function forked(options: nodes.ForkOptions, messages: unknown[]): Promise<unknown> {
  const one = cp.fork(child, ['a', 'b'], { env: { ...process.env, SET: 'yes' }, ...options });
  const got: unknown[] = [];
  one.on('message', (message) => {
    got.push(message);
    if (got.length === messages.length) one.send('leave');
  });
  for (const message of messages) one.send(message as nodes.Serializable);
  return [await events(one), got, one.connected];
}

/** By what is seen. */
const CASES: Record<string, () => unknown> = {
  'the exit code and the order of events': () => events(cp.spawn('sh', ['-c', 'exit 3'])),
  'a signal that ends the child': () => events(cp.spawn('sh', ['-c', 'kill -9 $$'])),
  'output of both streams': () => whole(cp.spawn('sh', ['-c', 'echo out; echo err >&2'])),
  'input that is echoed': () => {
    const cat = cp.spawn('cat');
    cat.stdin.end('some text');
    return whole(cat);
  },
  'a program that is missing': () => events(cp.spawn('nothing-of-that-name', ['a'])),
  'a directory that is missing': () => events(cp.spawn('true', { cwd: '/nowhere' })),
  'a directory that is a file': () => thrown(() => cp.spawn('true', { cwd: script })),
  'a file that may not be executed': () => events(cp.spawn(join(folder, 'plain'))),
  'a script whose interpreter is missing': () => events(cp.spawn(join(folder, 'lost'))),
  'a script without #!': () => whole(cp.spawn(script, ['one'])),
  'a script without #! that PATH finds': () =>
    whole(cp.spawn('script', ['one'], { env: { PATH: `/nowhere:${folder}` } })),
  'an empty entry of PATH': () =>
    whole(cp.spawn('script', ['x'], { cwd: folder, env: { PATH: '/nowhere:' } })),
  'a relative entry of PATH': () =>
    whole(cp.spawn('script', ['x'], { cwd: '/', env: { PATH: `.${folder}` } })),
  'a refusal in PATH that is passed over': () => {
    const env = { PATH: `${folder}:/usr/bin:/bin` };
    writeFileSync(join(folder, 'true'), 'text', { mode: 0o644 });
    return events(cp.spawn('true', { env }));
  },
  'a refusal in PATH that is all there is': () =>
    events(cp.spawn('plain', { env: { PATH: folder } })),
  'an environment without PATH': () => whole(cp.spawn('sh', ['-c', 'echo $0'], { env: {} })),
  'names of the environment that are not usual': () =>
    whole(cp.spawn('env', { env: { ...at.env, '': 'empty', 'a=b': 'c', __proto: 'd', nul: '' } })),
  'keys of a prototype in the environment': () =>
    whole(cp.spawn('env', { env: Object.create({ FROM: 'prototype', ...at.env }) })),
  'pairs that are repeated': () => {
    const one = new cp.ChildProcess() as Child & { spawn(options: object): number };
    const args = ['cat', '/proc/self/environ'];
    const result = one.spawn({ file: 'cat', args, envPairs: ['A=1', 'A=2', '=x', 'B'] });
    return whole(one).then((all) => [result, all]);
  },
  'a number that is no descriptor': () => thrown(() => cp.spawn('true', { stdio: [0, 1, 987] })),
  'argv0 and an empty argument': () =>
    whole(cp.spawn('cat', ['/proc/self/cmdline', ''], { argv0: 'other' })),
  'a shell with a line': () => whole(cp.spawn('echo $0; exit 5', { shell: true })),
  'detached makes a session': () =>
    whole(
      cp.spawn(
        'sh',
        ['-c', 'read -r p c s pp g sid r < /proc/$$/stat; [ $sid = $$ ] && echo leads'],
        {
          detached: true,
        },
      ),
    ),
  'a user and a group': () =>
    whole(cp.spawn('id', ['-Gu'], { uid: 65534, gid: 65534 })).then((ids) => [ids]),
  'descriptors above 2': async () => {
    const file = join(folder, 'written');
    const fd = openSync(file, 'w');
    const one = cp.spawn(
      'sh',
      ['-c', 'echo three >&3; echo five >&5; ls /proc/$$/fd | grep -x [35]'],
      {
        stdio: ['ignore', 'pipe', 'inherit', fd, 'ignore', 'pipe'],
      },
    );
    closeSync(fd);
    let five = '';
    (one.stdio as unknown as NodeJS.ReadableStream[])[5]?.on('data', (bytes) => {
      five += bytes;
    });
    return [await whole(one), readFileSync(file, 'utf8'), five];
  },
  'the output of one child as the input of another': async () => {
    const first = cp.spawn('sh', ['-c', 'echo a; echo b'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const second = cp.spawn('sort', ['-r'], { stdio: [first.stdout, 'pipe', 'inherit'] });
    // Its output is the other's to read: it does not close.
    return Promise.all([once(first, 'exit'), whole(second)]);
  },
  'a kill that reaches the child': () => {
    const one = cp.spawn('sleep', ['100']);
    const results = [one.kill(0), one.killed, one.kill('SIGINT'), one.kill()];
    return events(one).then((seen) => [results, seen, one.killed, one.kill(), one.signalCode]);
  },
  'a kill right after the start': () => {
    const one = cp.spawn('sleep', ['100']);
    one.kill('SIGKILL');
    return events(one);
  },
  'a timeout': () => events(cp.spawn('sleep', ['100'], { timeout: 50, killSignal: 'SIGKILL' })),
  'an abort': async () => {
    const controller = new AbortController();
    const one = cp.spawn('sleep', ['100'], { signal: controller.signal });
    const seen = events(one);
    controller.abort(new Error('enough'));
    return seen;
  },
  'an abort before the start': () =>
    events(cp.spawn('sleep', ['100'], { signal: AbortSignal.abort() })),
  'a disposal': () => {
    const one = cp.spawn('sleep', ['100']);
    (one as unknown as Disposable)[Symbol.dispose]();
    return events(one);
  },
  'own keys of a child and those of its handle': async () => {
    const one = cp.spawn('true') as Child & { _handle: object };
    const keys = [Object.keys(one), one._handle.constructor.name, Object.keys(one._handle)];
    const prototype = Object.getOwnPropertyNames(Object.getPrototypeOf(one));
    await events(one);
    return [keys, prototype, one._handle, one.spawnfile, one.spawnargs];
  },
  'resources that hold the event loop': async () => {
    await setImmediate();
    await setImmediate();
    const one = cp.spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] });
    const held = process.getActiveResourcesInfo().filter((name) => name === 'ProcessWrap');
    one.unref();
    const free = process.getActiveResourcesInfo().filter((name) => name === 'ProcessWrap');
    one.ref();
    one.stdin?.end();
    await events(one);
    await setImmediate();
    await setImmediate();
    const after = process.getActiveResourcesInfo().filter((name) => name === 'ProcessWrap');
    return [held, free, after];
  },
  'asynchronous resources of a child': async () => {
    const made: string[] = [];
    const hook = createHook({
      init: (_, type) => {
        if (/^(PROCESSWRAP|PIPEWRAP)$/.test(type)) made.push(type);
      },
    }).enable();
    const one = cp.spawn('true');
    hook.disable();
    await events(one);
    return made;
  },
  'exec with a failure': () => called((done) => cp.exec('echo out; echo err >&2; exit 6', done)),
  'exec with too much output': () =>
    called((done) => cp.exec('yes | head -n 9999', { maxBuffer: 100 }, done)),
  'exec with a timeout': () => called((done) => cp.exec('sleep 100', { timeout: 50 }, done)),
  'exec of nothing': () => thrown(() => cp.exec('')),
  'execFile with Buffers': () =>
    called((done) => cp.execFile('echo', ['text'], { encoding: 'buffer' }, done)),
  'execFile of a missing program': () =>
    called((done) => cp.execFile('nothing-there', ['a'], done)),
  'promises of exec and execFile': async () => [
    await settled(promisify(cp.exec)('echo text')),
    await settled(promisify(cp.exec)('exit 7')),
    await settled(promisify(cp.execFile)('echo', ['text'])),
    await settled(promisify(cp.execFile)('nothing-there')),
    Object.keys(promisify(cp.exec)('true')),
  ],
  'arguments that are refused': () => [
    thrown(() => cp.spawn('')),
    thrown(() => cp.spawn('a\0b')),
    thrown(() => cp.spawn(undefined as unknown as string)),
    thrown(() => cp.spawn('true', { cwd: 5 as unknown as string })),
    thrown(() => cp.spawn('true', { stdio: 'other' as 'pipe' })),
    thrown(() => cp.spawn('true', { uid: 1.5 })),
    thrown(() => cp.exec(undefined as unknown as string)),
    thrown(() => cp.execFile('true', { timeout: -1 })),
    thrown(() => cp.fork(undefined as unknown as string)),
    thrown(() => cp.fork('x', { stdio: ['pipe'] })),
    thrown(() => cp.spawnSync('true', { killSignal: 'SIGNOT' as 'SIGINT' })),
    thrown(() => cp.execFileSync('false')),
    thrown(() => cp.execSync('echo err >&2; exit 3', { stdio: 'pipe' })),
    thrown(() => cp.execFileSync('nothing-there')),
  ],
  'messages as JSON': () => forked({}, ['text', 5, { a: [null, 'b'] }, 'x'.repeat(300_000)]),
  'messages by structured clone': () =>
    forked({ serialization: 'advanced' }, [
      new Map([[1, new Set(['a'])]]),
      { n: 5n },
      new Uint8Array(3),
    ]),
  'silent children': () => forked({ silent: true }, [1]),
  'a synchronous run': () =>
    syncResult(cp.spawnSync('sh', ['-c', 'echo out; echo err >&2; exit 3'])),
  'a synchronous run with input': () =>
    syncResult(cp.spawnSync('cat', { input: 'x'.repeat(200_000) })),
  'a synchronous run with another view as input': () =>
    syncResult(cp.spawnSync('cat', { input: new Uint16Array([0x4141, 0x4242]) })),
  'a synchronous run that reads no input': () => {
    const result = cp.spawnSync('true', { input: 'x'.repeat(2_000_000) });
    return [result.status, shown(result.error)];
  },
  'a synchronous run that is killed': () => syncResult(cp.spawnSync('sh', ['-c', 'kill -15 $$'])),
  'a synchronous run of a missing program': () => syncResult(cp.spawnSync('nothing-there', ['a'])),
  'a synchronous run in a missing directory': () =>
    syncResult(cp.spawnSync('true', { cwd: '/nowhere' })),
  'a synchronous run with a timeout': () =>
    syncResult(cp.spawnSync('sleep', ['100'], { timeout: 50, killSignal: 'SIGINT' })),
  'a synchronous run with too much output': () => {
    const { error, signal, status } = cp.spawnSync('yes', { maxBuffer: 1000 });
    return [shown(error), signal, status];
  },
  'a synchronous run with more pipes': () =>
    syncResult(
      cp.spawnSync('sh', ['-c', 'echo three >&3; ls /proc/$$/fd | grep -x 3'], {
        stdio: ['ignore', 'pipe', 'inherit', 'pipe', 'ignore'],
      }),
    ),
  'a synchronous run with text': () =>
    syncResult(cp.spawnSync('echo', ['ä'], { encoding: 'utf8' })),
  'a script without #! that runs synchronously': () => syncResult(cp.spawnSync(script, ['one'])),
  'a child that ends during a synchronous run': async () => {
    const one = cp.spawn('sh', ['-c', 'exit 8']);
    cp.spawnSync('sleep', ['0.2']);
    return events(one);
  },
  'a number that is kept until the end was told': async () => {
    const one = cp.spawn('true', { stdio: 'ignore' });
    const pid = one.pid as number;
    const stat = (): string => readFileSync(`/proc/${pid}/stat`, 'latin1').split(' ')[2] as string;
    while (stat() !== 'Z');
    const before = [process.kill(pid, 0), one.kill(0), one.exitCode];
    const during = await new Promise((resolve) => {
      one.on('exit', () => resolve(thrown(() => process.kill(pid, 0))));
    });
    return [before, during];
  },
};

for (const [name, run] of Object.entries(CASES)) {
  const found = await run();
  const line = JSON.stringify({ name, found }, (_, value) =>
    typeof value === 'bigint' || value === undefined ? String(value) : value,
  );
  process.stdout.write(`${line.replaceAll(folder, '/folder')}\n`);
}
rmSync(folder, { recursive: true });
process.exit();
