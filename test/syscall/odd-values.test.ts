import assert from 'node:assert/strict';
import * as library from '#dist/index.js';
import * as processes from '#dist/process/index.js';
import * as syscall from '#dist/syscall.js';
import { test } from '../helpers/test.js';

const trap = new Error('the trap of a Proxy');
const thrower = new Proxy({}, { get: () => assert.fail(trap) });

const ODD = [undefined, null, {}, [], ['a'], NaN, -1, 2 ** 60, 'x', Symbol('s'), 1n, thrower];

/** Functions that only compute, or start a program that does not exist: what they are given has no effect. */
const FUNCTIONS: Readonly<Record<string, object>> = {
  $: library,
  errorMessage: syscall,
  errorName: syscall,
  explain: library,
  lookPath: library,
  ptracePokeData: syscall,
  readStruct: syscall,
  setrlimit: syscall,
  signalDescription: syscall,
  signalName: syscall,
  writeStruct: syscall,
  run: library,
  runSync: library,
  spawn: library,
  command: library,
  startProcess: processes,
  startProcessSync: processes,
};

const FILE = '/no/such/program';

/** One argument, or one after those that fit. */
const ARGUMENTS: readonly unknown[][] = ODD.flatMap((odd) => [
  [odd],
  [FILE, odd],
  [FILE, [], odd],
  [FILE, [], { env: odd }],
  [FILE, [], { cwd: odd, umask: odd }],
  [FILE, [], { timeout: odd, stdin: odd }],
]);

function textOf(args: readonly unknown[]): string {
  return args.map((each) => (each === thrower ? 'a Proxy' : typeof each)).join(', ');
}

test('every function answers odd values with a result or an error that has a code', async (context) => {
  let tried = 0;
  for (const [name, module] of Object.entries(FUNCTIONS)) {
    const call = (module as Record<string, (...args: readonly unknown[]) => unknown>)[name];
    assert.ok(call !== undefined, name);
    for (const args of [[], ...ARGUMENTS]) {
      tried += 1;
      try {
        await call(...args);
      } catch (error) {
        const { code, message, actual } = error as Record<string, unknown>;
        const isOwn = code !== undefined || actual === trap || message === trap.message;
        assert.ok(isOwn, `${name}(${textOf(args)}): ${String(error)}`);
      }
    }
  }
  context.diagnostic(`${tried} calls`);
});
