// The five ways to start a program, for tests of what all of them have in common.

import assert from 'node:assert/strict';
import { LaunchError, type RunOptions, run, runSync, spawn } from '#dist/index.js';
import { type ProcessAttributes, startProcess, startProcessSync } from '#dist/process/index.js';

export type LauncherName = 'spawn' | 'run' | 'runSync' | 'startProcess' | 'startProcessSync';

type Launcher = (file: string, args: readonly string[], options: RunOptions) => Promise<unknown>;

/** The options of a process: its stdin, where it is asked for, is an entry of `files`. */
function attributesOf({ stdin, ...options }: RunOptions): ProcessAttributes {
  if (stdin === undefined) return options;
  return { ...options, files: [stdin as number, 'inherit', 'inherit'] };
}

const launchers: Record<LauncherName, Launcher> = {
  spawn: async (file, args, options) => {
    const child = await spawn(file, args, { stdin: 'null', ...options });
    await child.exited;
  },
  run: async (file, args, options) => run(file, args, options),
  runSync: async (file, args, options) => runSync(file, args, options),
  startProcess: async (file, args, options) => {
    const child = await startProcess(file, [options.argv0 ?? file, ...args], attributesOf(options));
    await child.wait();
  },
  startProcessSync: async (file, args, options) => {
    const child = startProcessSync(file, [options.argv0 ?? file, ...args], attributesOf(options));
    await child.wait();
  },
};

export const ALL: readonly LauncherName[] = Object.keys(launchers) as LauncherName[];
export const COMMANDS: readonly LauncherName[] = ['spawn', 'run', 'runSync'];
export const PROCESSES: readonly LauncherName[] = ['startProcess', 'startProcessSync'];

/** What the launch throws or rejects with; fails if there is nothing. */
export async function failureOf(
  name: LauncherName,
  file: string,
  args: readonly string[] = [],
  options: object = {},
): Promise<Error> {
  let result: unknown;
  try {
    result = await launchers[name](file, args, options);
  } catch (error) {
    assert.ok(error instanceof Error);
    return error;
  }
  return assert.fail(`${name} has launched ${file}: ${result}`);
}

export interface Expected {
  step: string;
  code: string;
  errno: number;
  argument?: string;
  searched?: string[];
}

/** That launching fails in exactly this way. */
export async function assertLaunchError(
  name: LauncherName,
  [file, args, options]: readonly [file: string, args?: readonly string[], options?: object],
  expected: Expected,
): Promise<LaunchError> {
  const error = await failureOf(name, file, args, options);
  assert.ok(error instanceof LaunchError, `${name}: ${error.stack}`);
  const { step, code, errno, argument, searched } = error;
  const got = { step, code, errno, argument, searched };
  assert.deepEqual(got, { argument: undefined, searched: undefined, ...expected }, name);
  assert.equal(error.name, 'LaunchError');
  assert.equal(error.file, file);
  assert.deepEqual(error.args, args ?? []);
  const what = argument === undefined ? step : `${step}(${JSON.stringify(argument)})`;
  assert.ok(error.message.startsWith(`${what}: ${code}: `), error.message);
  // The file is named once.
  const launching = step === 'execve' && argument === file ? '' : ` (launching ${file})`;
  assert.ok(error.message.endsWith(launching), error.message);
  assert.equal(error.message.includes('(launching '), launching !== '', error.message);
  return error;
}
