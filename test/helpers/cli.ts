// The command as users start it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type RunOptions, runSync } from '#dist/index.js';
import { helper, type State, withFolder } from './state.js';

/** What npm links as `forkexec`. */
export const bin = fileURLToPath(new URL('../../../bin/forkexec.js', import.meta.url));

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

export type Options = Pick<RunOptions, 'env' | 'fds' | 'input'>;

// Not by child_process: Deno's translates the words for Deno, and its children ignore signals 32 and 33.
export function cli(words: readonly string[], options: Options = {}): Outcome {
  const { status, stdout, stderr } = runSync(process.execPath, [bin, ...words], {
    ...options,
    reject: false,
    stripFinalNewline: false,
  });
  return { code: status.code, stdout, stderr };
}

export function run(...words: string[]): Outcome {
  return cli(['run', ...words]);
}

/** What a program that was started with these flags says of itself. */
export function stateWith(flags: readonly string[], options?: Options): Promise<State> {
  return withFolder((folder) => {
    const file = join(folder, 'state.json');
    const words = ['run', ...flags, '--', helper('state'), file];
    const { code, stderr } = cli(words, options);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    return JSON.parse(readFileSync(file, 'utf8')) as State;
  });
}
