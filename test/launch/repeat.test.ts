import assert from 'node:assert/strict';
import { spawn } from '#dist/index.js';
import type { DescriptorSource, Launch } from '#dist/launch/attribute.js';
import { checkLaunch, compile } from '#dist/launch/compile.js';
import { attributes, type LaunchOptions, type StepName } from '#dist/launch/order.js';
import { ProgramBuilder } from '#dist/launch/program.js';
import { ignore, reset } from '#dist/signal/index.js';
import { test } from '../helpers/test.js';

function launchOf(
  options: LaunchOptions,
  descriptors: readonly (readonly [number, DescriptorSource])[],
): Launch<LaunchOptions> {
  return {
    file: 'true',
    argv: ['true', 'an argument'],
    options,
    descriptors: new Map(descriptors),
    search: true,
    parentPid: process.pid,
  };
}

/** The program as all attributes write it, one after another. */
function written(launch: Launch<LaunchOptions>): { bytes: Buffer; steps: readonly unknown[] } {
  const program = new ProgramBuilder<StepName>();
  for (const attribute of attributes) attribute.emit(program, launch);
  return { bytes: Buffer.from(program.finish()), steps: program.steps };
}

const OPTIONS: readonly LaunchOptions[] = [
  {},
  { session: true },
  { processGroup: 0, parentDeathSignal: 'SIGTERM' },
  { cwd: '/', noNewPrivileges: true },
  { cwd: '/tmp', env: { A: '1', PATH: undefined } },
  { clearEnv: true, path: '/nowhere:/bin', argv0: 'other' },
  { umask: 0o77, nice: 1 },
  { signals: { ignore: ['SIGHUP'] } },
];

const DESCRIPTORS: readonly (readonly (readonly [number, DescriptorSource])[])[] = [
  [],
  [
    [0, 'inherit'],
    [1, 'inherit'],
    [2, 'inherit'],
  ],
  [
    [0, 'null'],
    [1, 21],
    [2, 23],
  ],
  [
    [0, 'null'],
    [1, 40],
    [2, 40],
  ],
  [
    [0, 22],
    [1, 20],
    [2, 'inherit'],
    [5, 24],
  ],
  // 4 is a number of the child as well: what is there has to be moved.
  [
    [0, 'null'],
    [1, 4],
    [4, 7],
    [9, 3],
  ],
  [
    [1, 2],
    [2, 1],
  ],
];

test('a launch that is like one before compiles to the same program as alone', () => {
  for (const options of OPTIONS) {
    for (const descriptors of DESCRIPTORS) {
      for (const shift of [0, 100, 3]) {
        const moved = descriptors.map(([fd, source]) => {
          return [fd, typeof source === 'number' && source > 9 ? source + shift : source] as const;
        });
        const launch = launchOf(options, moved);
        const what = JSON.stringify({ options, moved });
        for (let time = 0; time < 2; time++) {
          const { bytes, steps } = compile(launch);
          const compiled = { bytes: Buffer.from(bytes), steps };
          assert.deepEqual(compiled, written(launch), what);
        }
      }
    }
  }
});

test('a launch that is like one before follows changes of ignored signals', () => {
  const launch = launchOf({}, [[1, 'inherit']]);
  const before = Buffer.from(compile(launch).bytes);
  ignore('SIGPIPE');
  try {
    assert.deepEqual(Buffer.from(compile(launch).bytes), written(launch).bytes);
    assert.notDeepEqual(Buffer.from(compile(launch).bytes), before);
  } finally {
    reset('SIGPIPE');
  }
  assert.deepEqual(Buffer.from(compile(launch).bytes), before);
});

test('options of one launch are checked although those of another were all right', () => {
  const check = (options: object, file = 'true', ...args: unknown[]): void => {
    const launch = launchOf(options as LaunchOptions, [[1, 'inherit']]);
    checkLaunch({ ...launch, file, argv: [file, ...(args as string[])] });
  };
  for (let time = 0; time < 2; time++) check({ session: true, cwd: '/', processGroup: undefined });
  const refused = { code: 'ERR_INVALID_ARG_VALUE' };
  const type = { name: 'TypeError' };
  for (const [options, want] of [
    [{ session: 'true', cwd: '/' }, type],
    [{ session: 1, cwd: '/' }, type],
    [{ session: true, cwd: '/', processGroup: 0 }, refused],
    [{ session: true, cwd: '/', env: { 'a=b': '' } }, refused],
    [{ session: true, cwd: '/', env: { a: 1 } }, type],
    [{ session: true, cwd: '/', clearEnv: 'yes' }, type],
    [{ session: true, cwd: '/ session 7 boolean 4 true ', umask: -1 }, undefined],
    [{ session: true, cwd: '/\0' }, refused],
  ] as const) {
    assert.throws(() => check(options), want ?? RangeError, JSON.stringify(options));
  }
  assert.throws(() => check({ session: true, cwd: '/' }, ''), refused);
  assert.throws(() => check({ session: true, cwd: '/' }, 'true', 1), type);
});

test('the error of a launch that is like one before names its own descriptor', async () => {
  for (const fd of [1_000_001, 1_000_002]) {
    await assert.rejects(spawn('true', { stdin: fd }), {
      step: 'fcntl',
      argument: String(fd),
      code: 'EBADF',
    });
  }
});
