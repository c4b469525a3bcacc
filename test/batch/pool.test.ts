// Pools: commands on slots, and what becomes of them when a slot is lost.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { container, custom, type Engine, local, openPool, SlotError } from '#dist/batch/index.js';
import { ExitError, LaunchError, run, spawn } from '#dist/index.js';
import { needsLinux } from '../helpers/backend.js';
import { agentArgv, agentHere, processesWith, uniqueSleep, until } from '../helpers/batch.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

/** Both ways to an agent: in this process, and through pipes. */
const WAYS = { local: () => local(8), agent: () => agentHere({ jobs: 8 }) } as const;

for (const [way, engine] of Object.entries(WAYS)) {
  test(`each of 200 commands at once has its own exit code (${way})`, async () => {
    await using pool = await openPool({ slots: [engine()] });
    const codes = Array.from({ length: 200 }, (_, code) => code);
    const results = await Promise.all(
      codes.map((code) => pool.run('sh', ['-c', `exit ${code}`], { reject: false })),
    );
    assert.deepEqual(
      results.map(({ status }) => status.code),
      codes,
    );
  });

  test(`a signal, a core flag and usage arrive as here (${way})`, async () => {
    await using pool = await openPool({ slots: [engine()] });
    const { status } = await pool.run('sh', ['-c', 'kill -9 $$'], { reject: false });
    assert.deepEqual([status.code, status.signal, status.reason], [null, 'SIGKILL', 'signaled']);
    assert.ok((status.usage.wallTime ?? 0) > 0);
    const late = await pool.run('sleep', ['60'], { reject: false, timeout: 50 });
    assert.deepEqual([late.status.signal, late.status.reason], ['SIGTERM', 'timeout']);
  });

  test(`input, output and bytes that are not text pass unchanged (${way})`, async () => {
    await using pool = await openPool({ slots: [engine()] });
    const bytes = Buffer.alloc(3_000_001, 'a\0\xff\r\n', 'latin1');
    const { stdout } = await pool.run('cat', [], { input: bytes, encoding: 'buffer' });
    assert.ok(bytes.equals(stdout));
    const odd = await pool.run(
      'printf',
      ['<%s>', 'a  b', "it's", '$HOME', 'é', '\udc80\udcff', ''],
      {
        encoding: 'buffer',
      },
    );
    const expected = "<a  b><it's><$HOME><é><\x80\xff><>";
    assert.equal(Buffer.from(odd.stdout).toString('latin1'), expected.replace('é', '\xc3\xa9'));
  });

  test(`a launch that fails names its step (${way})`, async () => {
    await using pool = await openPool({ slots: [engine()] });
    await assert.rejects(pool.run('true', [], { cwd: '/no/dir' }), (error) => {
      assert.ok(error instanceof LaunchError);
      assert.deepEqual([error.step, error.code, error.argument], ['chdir', 'ENOENT', '/no/dir']);
      return true;
    });
    const here = await run('/no/program').catch((error: Error) => error.message);
    const there = await pool.run('/no/program').catch((error: Error) => error.message);
    assert.equal(there, here);
  });

  test(`spawn has streams, lines, signals and stops (${way})`, async () => {
    await using pool = await openPool({ slots: [engine()] });
    const child = await pool.spawn('sh', ['-c', 'read x; echo "got $x"; echo two; exit 3'], {
      stdin: 'pipe',
      stdout: 'pipe',
    });
    assert.ok(child.pid > 0);
    child.stdin.end('abc\n');
    const lines: string[] = [];
    for await (const line of child.lines()) lines.push(line);
    assert.deepEqual(lines, ['got abc', 'two']);
    assert.equal((await child.closed).code, 3);
    assert.equal(child.kill(), false);
    const stubborn = await pool.spawn('sh', ['-c', 'trap "" TERM; echo on; sleep 60'], {
      stdout: 'pipe',
    });
    for await (const line of stubborn.lines()) {
      assert.equal(line, 'on');
      break;
    }
    const status = await stubborn.stop({ grace: 10, scope: 'tree' });
    assert.equal(status.signal, 'SIGKILL');
  });

  test(`output that is not read holds the program up, and no memory (${way})`, async () => {
    await using pool = await openPool({ slots: [engine()] });
    const child = await pool.spawn('sh', ['-c', 'head -c 20000000 /dev/zero; echo done >&2'], {
      stdout: 'pipe',
      stderr: 'pipe',
    });
    const before = process.memoryUsage().arrayBuffers;
    const { stdout } = child;
    await sleep(100);
    assert.ok(process.memoryUsage().arrayBuffers - before < 4_000_000);
    let size = 0;
    for await (const chunk of stdout) size += (chunk as Buffer).length;
    assert.equal(size, 20_000_000);
    assert.equal((await child.closed).code, 0);
  });

  test(`an abort, and too much output, stop a command (${way})`, async () => {
    await using pool = await openPool({ slots: [engine()] });
    const controller = new AbortController();
    await pool.run('true'); // there is an agent
    const running = pool.run('sleep', ['60'], { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 50);
    await assert.rejects(running, (error: ExitError) => {
      return error.status.reason === 'aborted' && (error.cause as Error).message === 'enough';
    });
    await assert.rejects(pool.run('yes', [], { maxBuffer: 1000 }), (error: ExitError) => {
      return error.status.reason === 'maxBuffer';
    });
  });

  test(`closing a pool ends its jobs (${way})`, async () => {
    const seconds = uniqueSleep();
    let exited: Promise<unknown>;
    {
      await using pool = await openPool({ slots: [engine()] });
      const child = await pool.spawn('sleep', [seconds]);
      exited = child.exited;
      await until(() => processesWith(seconds).length === 1, 'the sleep runs');
    }
    await exited;
    assert.deepEqual(processesWith(seconds), []);
  });

  test(`a process that holds a stream is not waited for beyond waitDelay (${way})`, async () => {
    await using pool = await openPool({ slots: [engine()] });
    const seconds = uniqueSleep();
    const { stdout, status } = await pool.run('sh', ['-c', `sleep ${seconds} & echo hi`], {
      waitDelay: 50,
    });
    assert.equal(stdout, 'hi');
    assert.equal(status.held[0]?.stream, 'stdout');
    for (const pid of processesWith(seconds)) process.kill(pid, 'SIGKILL');
    await until(() => processesWith(seconds).length === 0, 'the sleep is gone');
  });
}

test('what belongs to this process is refused on a slot', async () => {
  await using pool = await openPool({ slots: [local(1)] });
  const refused = { code: 'ERR_INVALID_ARG_VALUE' };
  await assert.rejects(pool.run('true', [], { terminal: {} }), refused);
  await assert.rejects(pool.spawn('true', [], { ready: { timeout: 1000 } }), refused);
  await assert.rejects(pool.spawn('true', [], { stdin: 'inherit' }), refused);
  await assert.rejects(pool.spawn('true', [], { stdout: 5 }), refused);
  await assert.rejects(pool.spawn('true', [], { fds: { 3: 'socket' } }), refused);
  await assert.rejects(pool.run('true', [], { execFd: 3 }), refused);
  await assert.rejects(pool.run('true', [], { timeout: -1 }), RangeError);
});

test('slots that are not engines are refused', async () => {
  await assert.rejects(openPool({ slots: [] }), TypeError);
  await assert.rejects(openPool({ slots: [{} as never] }), TypeError);
  await assert.rejects(openPool({ slots: [local(1)], heartbeat: 1 }), RangeError);
});

test('jobs run on another slot when one cannot be reached', async () => {
  const broken = custom(['sh', '-c', 'echo "Connection refused" >&2; exit 255']);
  await using pool = await openPool({ slots: [broken, local(1)] });
  for (let count = 0; count < 5; count++) {
    assert.equal((await pool.run('echo', ['on'])).stdout, 'on');
  }
});

test('the only slot that cannot be reached is named with its argv and stderr', async () => {
  const broken = custom(['sh', '-c', 'echo "Connection refused" >&2; exit 255'], { name: 'far' });
  await using pool = await openPool({ slots: [broken] });
  await assert.rejects(pool.run('true'), (error) => {
    assert.ok(error instanceof SlotError);
    assert.equal(error.code, 'ERR_SLOT_FAILED');
    assert.match(error.message, /slot far \(sh -c .*exit status 255\nConnection refused$/s);
    assert.deepEqual(error.argv, broken.argv);
    return true;
  });
});

test('an engine that ends at once is started once, and its job rejects', async () => {
  await withFolder(async (folder) => {
    const log = join(folder, 'starts');
    await using pool = await openPool({ slots: [custom(['sh', '-c', `echo x >>${log}`])] });
    await assert.rejects(pool.run('true'), /ended before an agent answered: exit status 0/);
    await assert.rejects(pool.run('true'), SlotError);
    assert.equal(readFileSync(log, 'utf8'), 'x\n');
  });
});

test('an engine whose program is missing rejects with its LaunchError', async () => {
  await using pool = await openPool({ slots: [custom(['/no/such/engine'])] });
  await assert.rejects(pool.run('true'), (error) => {
    return error instanceof LaunchError && error.message.includes('/no/such/engine');
  });
});

test('a greeting before the agent is skipped', async () => {
  const shown = `echo Welcome; echo; exec ${agentArgv.map((word) => `'${word}'`).join(' ')}`;
  await using pool = await openPool({ slots: [custom(['sh', '-c', shown])] });
  assert.equal((await pool.run('echo', ['whole'])).stdout, 'whole');
});

test('an engine that prints and never becomes an agent fails with what it printed', async () => {
  const talks = custom(['sh', '-c', 'echo Welcome to this host; exec sleep 60'], {
    connectTimeout: 300,
  });
  await using pool = await openPool({ slots: [talks] });
  await assert.rejects(pool.run('true'), /slot sh .*no agent answered .*"Welcome to this host/);
  const floods = custom(['sh', '-c', 'yes Welcome']);
  await using flooded = await openPool({ slots: [floods] });
  await assert.rejects(flooded.run('true'), /"Welcome\\nWelcome/);
});

test('an agent of another version is refused with both versions', async () => {
  // The first message of a coordinator from the future, and what the agent answers.
  const hello = JSON.stringify({ protocol: 99, version: '9.9.9', heartbeat: 1000 });
  const frame = Buffer.alloc(13 + hello.length);
  frame.writeUInt32LE(9 + hello.length, 0);
  frame.write(hello, 13);
  const [node = '', ...words] = agentArgv;
  await using agent = await spawn(node, words, { stdin: 'pipe', stdout: 'pipe' });
  agent.stdin.write(frame);
  let answer = '';
  for await (const chunk of agent.stdout) answer += String(chunk);
  assert.match(answer, /version 1 of the protocol .*9\.9\.9/);
  assert.equal((await agent.exited).code, 125);
});

test('a job whose agent is killed ends as lost, and its processes are gone', async () => {
  needsLinux('a guard of an agent');
  const seconds = uniqueSleep();
  await using pool = await openPool({ slots: [agentHere()], heartbeat: 2000 });
  const running = pool.run('sh', ['-c', `setsid sleep ${seconds} & sleep ${seconds}`]);
  await until(() => processesWith(seconds).length === 2, 'the job runs');
  process.kill(pool.slots[0]?.pid as number, 'SIGKILL');
  await assert.rejects(running, (error) => {
    assert.ok(error instanceof ExitError);
    assert.deepEqual([error.status.code, error.status.reason], [null, 'lost']);
    assert.ok(error.cause instanceof SlotError);
    assert.equal(error.cause.code, 'ERR_SLOT_LOST');
    return true;
  });
  assert.deepEqual(processesWith(seconds), []);
});

test('a slot whose agent was killed gets a new one', async () => {
  needsLinux('a guard of an agent');
  await using pool = await openPool({ slots: [agentHere()], heartbeat: 2000, retries: 1 });
  await pool.run('true');
  const first = pool.slots[0]?.pid as number;
  process.kill(first, 'SIGKILL');
  await until(() => pool.slots[0]?.state !== 'ready', 'the loss is known');
  assert.equal((await pool.run('echo', ['again'])).stdout, 'again');
  assert.notEqual(pool.slots[0]?.pid, first);
});

test('the job of an agent that stopped is gone before the agent goes on', async () => {
  needsLinux('a guard of an agent');
  await withFolder(async (folder) => {
    const log = join(folder, 'log');
    await using pool = await openPool({ slots: [agentHere()], heartbeat: 1000, retries: 1 });
    await pool.run('true');
    const agent = pool.slots[0]?.pid as number;
    const script = `echo begin >>${log}; while [ "$(wc -l <${log})" -lt 2 ]; do sleep 0.02; done; echo end >>${log}`;
    const running = pool.run('sh', ['-c', script], { reject: false });
    await until(() => readSafely(log) === 'begin\n', 'the job runs');
    process.kill(agent, 'SIGSTOP');
    // Its guard ends the job and it; the second run adds the line that both wait for.
    const { status } = await running;
    assert.equal(status.code, 0);
    assert.equal(readSafely(log), 'begin\nbegin\nend\n');
    assert.throws(() => process.kill(agent, 0), { code: 'ESRCH' });
  });
});

function readSafely(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

test('engines for containers are the words of podman, docker or kubectl', () => {
  const agent = { agent: ['fx', 'agent'] };
  const rows: readonly (readonly [Engine, readonly string[]])[] = [
    [container('podman', 'box', 2, agent), ['podman', 'exec', '-i', 'box', 'fx', 'agent']],
    [
      container('docker', { image: 'debian' }, 2, { ...agent, args: ['--network=none'] }),
      ['docker', 'run', '-i', '--rm', '--network=none', 'debian', 'fx', 'agent'],
    ],
    [
      container('kubectl', 'pod', 2, { ...agent, args: ['-n', 'space'] }),
      ['kubectl', 'exec', '-i', '-n', 'space', 'pod', '--', 'fx', 'agent'],
    ],
  ];
  for (const [engine, argv] of rows) assert.deepEqual(engine.argv, argv);
  const { argv = [] } = container('kubectl', { image: 'debian' }, 2, agent);
  assert.match(
    argv.join(' '),
    /^kubectl run forkexec-\d+-\d+ -i --rm --quiet --restart=Never --image=debian --command -- fx agent$/,
  );
});
