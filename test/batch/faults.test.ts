// What goes wrong beside a command: pools that close, agents that lie, functions that throw.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { custom, type Engine, local, openPool, SlotError } from '#dist/batch/index.js';
import { command, ExitError, LaunchError } from '#dist/index.js';
import { needsLinux } from '../helpers/backend.js';
import { agentHere, until } from '../helpers/batch.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

for (const [way, engine] of [
  ['local', () => local(4)],
  ['agent', () => agentHere({ jobs: 4 })],
] as const) {
  test(`a command that begins while its pool closes settles (${way})`, async () => {
    for (const file of ['true', '/no/such']) {
      for (let turns = 0; turns < 8; turns++) {
        const pool = await openPool({ slots: [engine()] });
        await pool.run('true');
        const running = pool.run(file).catch((error: unknown) => error);
        for (let turn = 0; turn < turns; turn++) await undefined;
        await pool.close();
        const end = await running;
        const isKnown =
          end instanceof SlotError || end instanceof LaunchError || end instanceof ExitError;
        assert.ok(isKnown || file === 'true', String(end));
      }
    }
  });

  test(`stops of a command on a slot are told of (${way})`, async () => {
    needsLinux('stops');
    await using pool = await openPool({ slots: [engine()] });
    const child = await pool.spawn('sleep', ['60'], { stdout: 'null', stderr: 'null' });
    const seen: unknown[] = [];
    child.on('stopped', (signal) => seen.push(signal));
    child.on('continued', () => seen.push('continued'));
    child.kill('SIGSTOP');
    await until(() => seen.length === 1, 'the stop is told of');
    child.kill('SIGCONT');
    await until(() => seen.length === 2, 'the continuation is told of');
    assert.deepEqual(seen, ['SIGSTOP', 'continued']);
    await child.stop();
  });
}

test('the failed source of a program that is missing is no unhandled rejection', async () => {
  await using pool = await openPool({ slots: [local(1)] });
  // biome-ignore lint/correctness/useYield: it fails before it has anything
  const source = async function* (): AsyncGenerator<string> {
    throw new Error('the source');
  };
  await assert.rejects(pool.spawn('/no/such', [], { stdin: source() }), LaunchError);
});

test('the error of a backoff function ends the iteration', async () => {
  await using pool = await openPool({ slots: [local(1)] });
  const failure = new Error('the backoff');
  const backoff = (): never => {
    throw failure;
  };
  const results = pool.map([1], () => command('false'), { retries: 1, backoff });
  await assert.rejects(results.next(), (error) => error === failure);
});

test('one signal for many commands that wait for room warns of no leak', async () => {
  const warnings: Error[] = [];
  const listen = (warning: Error): number => warnings.push(warning);
  process.on('warning', listen);
  try {
    await using pool = await openPool({ slots: [local(1)] });
    const { signal } = new AbortController();
    await Promise.all(Array.from({ length: 30 }, () => pool.run('true', [], { signal })));
    await pool.close();
  } finally {
    process.off('warning', listen);
  }
  assert.deepEqual(warnings, []);
});

/** An engine whose agent is code of ours: it can `send(type, id, content)`, and sets `receive`. */
function fakeAgent(code: string): Engine {
  const frames = `
    const send = (type, id, content) => {
      const body = Buffer.from(typeof content === 'string' ? content : JSON.stringify(content));
      const head = Buffer.alloc(13);
      head.writeUInt32LE(9 + body.length, 0);
      head.writeUInt8(type, 4);
      head.writeUInt32LE(id, 5);
      process.stdout.write(Buffer.concat([head, body]));
    };
    const info = { protocol: 1, version: '1', pid: 1, host: 'h', platform: 'linux', arch: 'x64',
      runtime: 'r', processors: 1, capabilities: [], marker: 'none', place: 'elsewhere' };
    let receive = () => {};
    process.stdin.on('data', (bytes) => receive(bytes));
    process.stdout.write('\\0forkexec-agent\\n');`;
  return custom([process.execPath, '-e', `${frames}\n${code}`], { name: 'fake' });
}

const WELCOME = 1;
const CLOSED = 16;

/** An engine whose agent ends at its first job, and writes when into a file. */
function leavingAgent(log: string): Engine {
  return fakeAgent(`send(${WELCOME}, 0, { info });
    receive = (bytes) => {
      if (!bytes.includes('"spec"')) return;
      require('node:fs').writeFileSync(${JSON.stringify(log)}, String(Date.now()));
      process.exit(0);
    };`);
}

test('answers that are not what they should be lose the slot, and never end the coordinator', async () => {
  const answers: readonly (readonly [type: number, content: string])[] = [
    [WELCOME, '{}'],
    [WELCOME, '{"info":null}'],
    [WELCOME, 'null'],
    [WELCOME, '{"type":"closed","id":1}'],
    [WELCOME, ''],
    [255, ''],
  ];
  for (const [type, content] of answers) {
    await using pool = await openPool({
      slots: [fakeAgent(`send(${type}, 0, ${JSON.stringify(content)})`)],
    });
    await assert.rejects(pool.run('true'), (error) => {
      assert.ok(error instanceof SlotError, String(error));
      assert.match(error.message, /it sent a frame that is not a message/);
      return true;
    });
  }
});

test('an end without a status loses the job', async () => {
  const code = `send(${WELCOME}, 0, { info });
    receive = (bytes) => { if (bytes.includes('"spec"')) send(${CLOSED}, 1, {}); };`;
  await using pool = await openPool({ slots: [fakeAgent(code)], heartbeat: 100 });
  await assert.rejects(pool.run('true'), (error) => {
    assert.ok(error instanceof ExitError, String(error));
    assert.equal(error.status.reason, 'lost');
    return true;
  });
});

test('a job on another machine is lost only when its agent has given up as well', async () => {
  await withFolder(async (folder) => {
    const log = join(folder, 'log');
    // As srun, whose agent hears nothing of its end: it notices up to an eighth of the heartbeat late.
    const heartbeat = 4000;
    await using pool = await openPool({ slots: [leavingAgent(log)], heartbeat });
    await assert.rejects(pool.run('true'), ExitError);
    const waited = Date.now() - Number(readFileSync(log, 'utf8'));
    assert.ok(waited >= heartbeat * 1.125, `${waited} ms`);
  });
});

test('a command that begins while its slot is being lost settles', async () => {
  await withFolder(async (folder) => {
    const log = join(folder, 'log');
    const engine = { ...leavingAgent(log), jobs: 100 };
    await using pool = await openPool({ slots: [engine], heartbeat: 1000 });
    const first = pool.run('true').catch((error: unknown) => error);
    await until(() => existsSync(log), 'the agent ends');
    const others: Promise<unknown>[] = [];
    let isOver = false;
    void first.then(() => {
      isOver = true;
    });
    // What the agent ran is waited for, as it is on another machine: two seconds.
    while (!isOver) {
      others.push(pool.run('true').catch((error: unknown) => error));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.ok((await first) instanceof ExitError);
    await pool.close();
    for (const error of await Promise.all(others)) assert.ok(error instanceof Error, String(error));
  });
});

test('a command that is too long for an agent is an error of its own', async () => {
  // The agent gives up while this process is silent, which has hundreds of megabytes to copy.
  await using pool = await openPool({ slots: [agentHere({ jobs: 2 })], heartbeat: 600_000 });
  const other = pool.run('sh', ['-c', 'sleep 0.5; echo on']);
  const long = ['x'.repeat(65 * 1024 * 1024)];
  await assert.rejects(pool.run('true', long), /start is too long for an agent: \d+ bytes/);
  await assert.rejects(pool.spawn('true', long), RangeError);
  await assert.rejects(pool.map([1], () => command('true', long)).next(), RangeError);
  assert.equal((await other).stdout, 'on');
  assert.equal(pool.slots[0]?.running, 0);
});
