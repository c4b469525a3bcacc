// What is passed in the place of arguments and options, and is neither, is refused and not dropped.

import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { command, lookPath, run, runSync, spawn, withOptions } from '#dist/index.js';
import { exec, startProcess, startProcessSync } from '#dist/process/index.js';
import { forkExec } from '#dist/syscall.js';
import { endIfUnavailable, test } from '../helpers/test.js';

type Call = (...values: unknown[]) => unknown;

async function errorOf(call: Call, ...values: unknown[]): Promise<Error & { code?: string }> {
  try {
    const result = await call(...values);
    return assert.fail(`${inspect(values)} was taken: ${inspect(result)}`);
  } catch (error) {
    endIfUnavailable(error);
    return error as Error;
  }
}

const bound = withOptions({ timeout: 60_000 });
const COMMANDS = {
  run,
  runSync,
  spawn,
  command,
  'run of withOptions': bound.run,
} as unknown as Record<string, Call>;

const WRONG: unknown[] = [
  Promise.resolve(['x']),
  new Set(['x']),
  new Map([['cwd', '/']]),
  (function* () {
    yield 'x';
  })(),
  /x/,
  new Date(),
  new Error('x'),
  new Uint8Array(1),
  Object('x'),
  { *[Symbol.iterator]() {} },
  () => {},
  'x',
  5,
  null,
  true,
  Symbol('x'),
];

for (const [name, call] of Object.entries(COMMANDS)) {
  test(`${name} refuses what is neither arguments nor options`, async () => {
    for (const value of WRONG) {
      const expected = `args must be an array of strings, not `;
      const { name: kind, code, message } = await errorOf(call, 'true', value);
      assert.equal(kind, 'TypeError', message);
      assert.equal(code, 'ERR_INVALID_ARG_VALUE');
      assert.ok(message.startsWith(expected), message);
      const asOptions = await errorOf(
        async (...values) => {
          const made = await call(...values);
          // A description is checked when it runs.
          await (made as { run?: () => unknown }).run?.();
        },
        'true',
        [],
        value ?? 5,
      );
      assert.match(asOptions.message, /^options must be an object, not /);
    }
    const both = await errorOf(call, 'true', { cwd: '/' }, { cwd: '/' });
    assert.match(both.message, /^args must be an array of strings, not \{/);
    const callback = await errorOf(call, 'true', [], {}, () => {});
    assert.match(callback.message, /^the fourth argument must be left out, not \[Function/);
  });
}

test('the functions of processes refuse a fourth argument', async () => {
  const calls = { startProcess, startProcessSync, forkExec, exec } as unknown as Record<
    string,
    Call
  >;
  for (const [name, call] of Object.entries(calls)) {
    const { message } = await errorOf(call, '/bin/true', ['true'], {}, () => {});
    assert.match(message, /^the fourth argument must be left out/, name);
  }
});

test('the functions of processes refuse arguments that are not an array', async () => {
  const calls = { startProcess, startProcessSync, forkExec, exec } as unknown as Record<
    string,
    Call
  >;
  for (const [name, call] of Object.entries(calls)) {
    for (const value of WRONG) {
      const { code, message } = await errorOf(call, '/bin/true', value);
      assert.equal(code, 'ERR_INVALID_ARG_VALUE', `${name}: ${message}`);
      assert.match(message, /^args must be an array of strings, not /, name);
      const asOptions = await errorOf(call, '/bin/true', ['true'], value);
      assert.match(asOptions.message, /^options must be an object, not /, name);
    }
  }
});

test('objects inside of options that can hold none are refused', async () => {
  for (const value of [new Map([['A', '1']]), new Set(), Promise.resolve({}), [], /x/]) {
    for (const option of ['env', 'namespaces', 'rlimits', 'signals', 'stop', 'fds']) {
      const { message } = await errorOf(run as Call, 'true', { [option]: value });
      assert.match(message, new RegExp(`^${option} must be an object`));
    }
  }
});

test('lookPath refuses options that it does not have', async () => {
  assert.match(
    (await errorOf(lookPath as Call, 'sh', { pth: '/bin' })).message,
    /^Unknown option 'pth'/,
  );
  assert.match(
    (await errorOf(lookPath as Call, 'sh', '/bin')).message,
    /^options must be an object/,
  );
});

test('options of another realm and without a prototype are options', async () => {
  const { runInNewContext } = await import('node:vm');
  const options = [
    runInNewContext('({ cwd: "/" })'),
    Object.assign(Object.create(null), { cwd: '/' }),
  ];
  for (const each of options) assert.equal((await run('pwd', each as { cwd: string })).stdout, '/');
});

/** Where the stack of an error begins. */
async function firstLine(call: Call, ...values: unknown[]): Promise<string> {
  const { stack = '' } = await errorOf(call, ...values);
  return /\n( +at .*)/.exec(stack)?.[1] ?? stack;
}

test('the stack of a refusal begins at the line of the caller', async () => {
  for (const [name, call] of Object.entries({ ...COMMANDS, startProcess, startProcessSync })) {
    if (name === 'command') continue;
    const words = ['true'];
    for (const options of [
      { env: { A: 1 } },
      { credential: { user: 'no such' } },
      { chrot: '/' },
    ]) {
      assert.match(
        await firstLine(call as Call, '/bin/true', words, options),
        /arguments\.test/,
        name,
      );
    }
  }
  const pipeline = (): unknown =>
    command('true')
      .pipe(command('true', { umask: -1 }))
      .run();
  assert.match(await firstLine(pipeline), /arguments\.test/);
  assert.ok(Error.stackTraceLimit <= 100, 'the limit is as before');
});
