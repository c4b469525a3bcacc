// Children that run as another user, and launches by another user.

import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkAvailable } from '#dist/launch/available.js';
import { LaunchError } from '#dist/launch/error.js';
import { type ProcessAttributes, startProcess } from '#dist/process/index.js';
import { openAddon, openPath } from './open-copy.js';
import { helper, type State, withFolder } from './state.js';
import { endIfUnavailable } from './test.js';

/** The user without any rights: nobody. */
export const NOBODY = { uid: 65534, gid: 65534 };

/** For tests that give a child another identity, which only root may. */
export const asRoot = { skip: process.getuid?.() === 0 ? (false as const) : 'not run by root' };

/** What came of a launch. */
export interface Attempt {
  state?: State;
  failure?: { step: string; code: string; argument?: string };
}

/** As `withFolder`, with the helper `state` in it, for every user to read, write and execute. */
export function withOpenFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  return withFolder((folder) => {
    chmodSync(folder, 0o777);
    const program = join(folder, 'state');
    copyFileSync(helper('state'), program);
    chmodSync(program, 0o755);
    return use(folder);
  });
}

/** As `stateOf`, of a child of any identity; `prepare` is called before with the program's path. */
export function stateOfAnyone(
  attributes: ProcessAttributes,
  prepare: (program: string) => void = () => {},
): Promise<State> {
  return withOpenFolder(async (folder) => {
    const file = join(folder, 'state.json');
    const program = join(folder, 'state');
    prepare(program);
    const child = await startProcess(program, ['state', file], attributes);
    const status = await child.wait();
    assert.ok(status.ok, `the helper ended with ${status}`);
    return JSON.parse(readFileSync(file, 'utf8')) as State;
  });
}

/** What comes of launches that a process with the attributes `launcher` makes. */
export async function attemptsBy(
  launcher: ProcessAttributes,
  list: readonly ProcessAttributes[],
  { undumpable = false } = {},
): Promise<Attempt[]> {
  for (const attributes of list) checkAvailable(attributes);
  return withOpenFolder(async (folder) => {
    const words = [openPath(helper('launch-each.js')), folder, JSON.stringify(list)];
    if (undumpable) words.push('undumpable');
    const env = { ...launcher.env, ...openAddon() };
    const child = await startProcess(process.execPath, ['node', ...words], { ...launcher, env });
    const status = await child.wait();
    assert.ok(status.ok, `the launcher ended with ${status}`);
    return JSON.parse(readFileSync(join(folder, 'attempts.json'), 'utf8')) as Attempt[];
  });
}

/** What comes of one launch that a process with the attributes `launcher` makes. */
export async function attemptBy(
  launcher: ProcessAttributes,
  attributes: ProcessAttributes,
  options?: { undumpable?: boolean },
): Promise<Attempt> {
  const [attempt] = await attemptsBy(launcher, [attributes], options);
  return attempt as Attempt;
}

/** That a launch by this process fails at this step. */
export async function assertFails(
  attributes: ProcessAttributes,
  failure: NonNullable<Attempt['failure']>,
): Promise<void> {
  const error = await startProcess('/bin/true', ['true'], attributes).then(
    () => assert.fail(`launched in spite of ${JSON.stringify(failure)}`),
    (reason: unknown) => reason,
  );
  endIfUnavailable(error);
  assert.ok(error instanceof LaunchError, String(error));
  const { step, code, argument } = error;
  assert.deepEqual(argument === undefined ? { step, code } : { step, code, argument }, failure);
}

/** That an option is refused before anything is started, by its path. */
export async function assertRefused(attributes: object, path: string): Promise<void> {
  const launch = startProcess('/bin/true', ['true'], attributes as ProcessAttributes);
  await assert.rejects(launch, (error: Error & { code?: string }) => {
    endIfUnavailable(error);
    assert.ok(error instanceof TypeError || error instanceof RangeError, String(error));
    assert.equal(error.code, 'ERR_INVALID_ARG_VALUE');
    const starts = [`${path} `, `Unknown option '${path}'.`];
    assert.ok(
      starts.some((start) => error.message.startsWith(start)),
      error.message,
    );
    return true;
  });
}
