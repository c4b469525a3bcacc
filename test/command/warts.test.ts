// What people complain of in Go's os/exec and syscall, and what is promised here instead. The numbers
// are those of the list of warts that this library was begun with; the issues are golang/go's.

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { command, type ExitError, LaunchError, type RunOptions, run, spawn } from '#dist/index.js';
import type { ProcessAttributes } from '#dist/process/index.js';
import { attempt } from '#dist/syscall/call.js';
import { asRoot, attemptBy, NOBODY } from '../helpers/identity.js';
import { endOther, runs } from '../helpers/other.js';
import { exitError } from '../helpers/outcome.js';
import { stateOf, withFolder } from '../helpers/state.js';
import { until } from '../helpers/streams.js';
import { children, test, threads } from '../helpers/test.js';

test('1 (#23019): a grandchild that holds the pipe is named and delays no result', async () => {
  const script = 'sleep 1000 & echo hi $!';
  const { stdout, status } = await run('sh', ['-c', script]); // as it is by default
  const [hi, pid] = stdout.split(' ');
  assert.equal(hi, 'hi');
  assert.equal(status.ok, true);
  assert.deepEqual(status.held[0], { stream: 'stdout', pids: [Number(pid)], names: ['sleep'] });
  await endOther(Number(pid));
});

test('2 (#22485, #40467): a signal reaches the whole scope and no other process', async () => {
  // One that stays, one that leaves the group, and one that is not theirs.
  const script = 'sleep 1000 & echo $!; setsid sleep 1000 & echo $!; wait';
  const bystander = await spawn('sleep', ['1000'], { stdin: 'null' });
  for (const scope of ['group', 'tree'] as const) {
    const child = await spawn('sh', ['-c', script], {
      stdin: 'null',
      stdout: 'pipe',
      processGroup: 0,
      stop: { scope: 'tree' },
    });
    const pids: number[] = [];
    for await (const line of child.lines()) {
      if (pids.push(Number(line)) === 2) break;
    }
    const [stays, leaves] = pids as [number, number];
    while (readFileSync(`/proc/${leaves}/comm`, 'utf8') !== 'sleep\n') await sleep(1);
    assert.equal(child.kill('SIGKILL', { scope }), true);
    assert.equal((await child.closed).signal, 'SIGKILL');
    while (runs(stays)) await sleep(1);
    if (scope === 'group') await endOther(leaves);
    while (runs(leaves)) await sleep(1);
    assert.equal(child.kill('SIGKILL', { scope }), false, 'its number may be another’s by now');
  }
  assert.equal(bystander.process.status(), undefined);
  bystander.kill('SIGKILL');
  await bystander.exited;
});

test('3 (#21135, #22757): a process gets any number of signals before SIGKILL', async () => {
  const script = `for s in HUP INT TERM; do trap "echo $s >&2" $s; done
    echo ready; while :; do sleep 0.01; done`;
  const child = await spawn('sh', ['-c', script], {
    stdin: 'null',
    stdout: 'pipe',
    stderr: 'pipe',
    stop: { steps: [['SIGHUP', 100], ['SIGINT', 100], ['SIGTERM', 100], ['SIGKILL']] },
  });
  for await (const line of child.lines()) {
    assert.equal(line, 'ready');
    break;
  }
  assert.equal((await child.stop()).signal, 'SIGKILL');
  assert.equal(String(Buffer.concat(await child.stderr.toArray())), 'HUP\nINT\nTERM\n');
});

test('4 (#21880): the status has the reason of a stop and the end of the process', async () => {
  const stop: RunOptions['stop'] = { signal: 'SIGKILL' };
  const reason = new Error('enough');
  const abort = new AbortController();
  const { signal } = abort;
  const aborted = exitError(run('sleep', ['1000'], { stop, signal }));
  setTimeout(() => abort.abort(reason), 20);
  const table: [ExitError, string, unknown][] = [
    [await exitError(run('sleep', ['1000'], { stop, timeout: 20 })), 'timeout', undefined],
    [await aborted, 'aborted', reason],
    [await exitError(run('yes', { stop, maxBuffer: 1000 })), 'maxBuffer', undefined],
    [await exitError(run('sh', ['-c', 'kill -KILL $$'])), 'signaled', undefined],
  ];
  for (const [{ status, cause, message }, why, from] of table) {
    assert.equal(status.reason, why);
    assert.equal(status.signal, 'SIGKILL');
    assert.equal(status.shellCode, 137, 'for process.exit; Go has -1');
    assert.equal(cause, from);
    assert.match(message, /signal: killed after \d+ ms/);
  }
});

test('9 (#20285, #48895): an error names the step that failed and its argument', () =>
  withFolder(async (folder) => {
    const script = join(folder, 'script');
    writeFileSync(script, '#!/no/such/interpreter\n');
    chmodSync(script, 0o755);
    const table: [file: string, RunOptions, step: string, code: string, argument: string][] = [
      ['true', { cwd: '/no/dir' }, 'chdir', 'ENOENT', '/no/dir'],
      ['true', { chroot: '/no/root' }, 'chroot', 'ENOENT', '/no/root'],
      ['true', { stdout: { file: '/no/dir/x' } }, 'open', 'ENOENT', '/no/dir/x'],
      ['true', { session: true, controllingTerminal: 0 }, 'TIOCSCTTY', 'ENOTTY', '0'],
      ['true', { processGroup: 0x3fff_fff0 }, 'setpgid', 'EPERM', `${0x3fff_fff0}`],
      ['/no/such', {}, 'execve', 'ENOENT', '/no/such'],
      [script, {}, 'execve', 'ENOENT', script],
    ];
    for (const [file, options, step, code, argument] of table) {
      if (step === 'chroot' && asRoot.skip) continue;
      const error = await run(file, options).catch((reason: unknown) => reason);
      assert.ok(error instanceof LaunchError, `${step}: ${error}`);
      const { step: failed, code: errno, argument: at } = error;
      assert.deepEqual({ failed, errno, at }, { failed: step, errno: code, at: argument });
    }
    await assert.rejects(
      run(script),
      /the script's interpreter "\/no\/such\/interpreter" was not found/,
    );
  }));

test('10: options that exclude each other are refused before the launch', async () => {
  const refused: RunOptions[] = [
    { namespaces: { uidMap: [{ inside: 0, outside: 0, count: 1 }] } }, // Go hangs for ever
    { session: true, controllingTerminal: -1 }, // Go: EBADF
    { session: true, processGroup: 0 }, // Go: EPERM
    { controllingTerminal: 0 }, // Go: ENOTTY or nothing
  ];
  for (const options of refused) {
    await assert.rejects(run('true', options), { code: 'ERR_INVALID_ARG_VALUE' });
  }
  if (asRoot.skip) return;
  const ambient: ProcessAttributes = { capabilities: { ambient: ['CAP_SYS_TIME'] } };
  const { failure } = await attemptBy({ credential: NOBODY }, ambient);
  assert.equal(failure?.code, 'EPERM', 'Go 1.19: errno 0');
});

test('11 (#19685, #60908): output can be read after the end', async () => {
  const child = await spawn('sh', ['-c', 'head -c 50000 /dev/zero; echo oops >&2'], {
    stdin: 'null',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  assert.equal((await child.exited).ok, true);
  await sleep(1000);
  let size = 0;
  child.stdout.on('data', (chunk: Uint8Array) => {
    size += chunk.length;
  });
  child.stderr.setEncoding('utf8');
  const errors = await child.stderr.toArray();
  await child.closed;
  assert.deepEqual([size, errors.join('')], [50_000, 'oops\n']);
});

test('12 (#7990, #10338): a source without data delays no result and stays usable', async () => {
  const source = new PassThrough();
  assert.equal((await run('true', { input: source })).status.ok, true);
  source.end('for another');
  assert.equal((await run('cat', { input: source })).stdout, 'for another');
});

test('14 (#60320, #60481, #60321): any number of waits take no thread', async () => {
  // Where there are no pidfds each child has a thread, whoever waits for it or not.
  const others = (): number => threads().filter((name) => name !== 'forkexec-wait').length;
  const before = others();
  const sleepers = await Promise.all(
    Array.from({ length: 50 }, () => spawn('sleep', ['1000'], { stdin: 'null' })),
  );
  const waiting = sleepers.flatMap(({ exited, process }) => [exited, process.wait()]);
  // A thread has the name of the one that made it until it gives itself its own.
  await until('there is no other thread', () => others() === before);
  const [first] = sleepers;
  assert.ok(first);
  assert.equal(first.process.status(), undefined, 'to ask is not to wait');
  const changes: string[] = [];
  const stopped = new Promise<void>((resolve) => {
    first.on('stopped', (signal) => {
      changes.push(`stopped by ${signal}`);
      first.kill('SIGCONT');
    });
    first.on('continued', () => {
      changes.push('continued');
      resolve();
    });
  });
  first.kill('SIGSTOP');
  await stopped;
  assert.deepEqual(changes, ['stopped by SIGSTOP', 'continued']);
  for (const child of sleepers) child.kill('SIGKILL');
  for (const { signal } of await Promise.all(waiting)) assert.equal(signal, 'SIGKILL');
});

test('16 (#18881, #52580): a child without a wait leaves no zombie and keeps its status', async () => {
  const ended = await Promise.all(
    Array.from({ length: 20 }, (_, code) => spawn('sh', ['-c', `exit ${code}`])),
  );
  while (children().length > 0) await sleep(1);
  for (const [code, { exited }] of ended.entries()) assert.equal((await exited).code, code);
});

test('18 (#10305, #76746): a command can be started any number of times', () =>
  withFolder(async (folder) => {
    const cwd = join(folder, 'later');
    const list = command('ls', { cwd });
    await assert.rejects(list.run(), { step: 'chdir' });
    mkdirSync(cwd);
    writeFileSync(join(cwd, 'file'), '');
    const results = await Promise.all([list.run(), list.run(), list.with({ cwd: folder }).run()]);
    assert.deepEqual(
      results.map(({ stdout }) => stdout),
      ['file', 'file', 'later'],
    );
    assert.throws(() => Object.assign(list.options, { cwd: '/' }), TypeError);
  }));

test('19 (#46321, #20479, #21078): each launch sets the signals of its child', async () => {
  const bit = (number: number): bigint => 1n << BigInt(number - 1);
  const [HUP, USR1, TERM] = [bit(1), bit(10), bit(15)];
  const signals = { ignore: ['SIGHUP', 'SIGUSR1'], mask: ['SIGTERM'] } as const;
  const masks = async (attributes: ProcessAttributes): Promise<bigint[]> => {
    const { status } = await stateOf(attributes);
    return [status['SigIgn'], status['SigBlk']].map((value) => BigInt(`0x${value}`));
  };
  const handler = (): void => {};
  process.on('SIGUSR2', handler);
  try {
    assert.deepEqual(await masks({ signals }), [HUP | USR1, TERM]);
    assert.deepEqual(await masks({}), [0n, 0n], 'nothing of it stays for the next');
  } finally {
    process.off('SIGUSR2', handler);
  }
});

test('26: descriptors that were not requested do not leak', async () => {
  const leaky = Array.from({ length: 10 }, () => attempt('dup', 1)); // without close-on-exec
  try {
    assert.deepEqual(Object.keys((await stateOf()).fds), ['0', '1', '2']);
    const { stdout } = await run('ls', ['/proc/self/fd']);
    assert.deepEqual(stdout.split('\n'), ['0', '1', '2', '3'], '3 is the folder that ls reads');
  } finally {
    for (const fd of leaky) attempt('close', fd);
  }
  assert.ok(readdirSync('/proc/self/fd').length > 4, 'there are others here');
});
