// `forkexec parallel` in a folder with the small programs that its tests run.

import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, type RunOptions, runSync, spawn } from '#dist/index.js';
import { bin } from './cli.js';
import { withFolder } from './state.js';

const PROGRAMS: Readonly<Record<string, string>> = {
  args: `for a in "$@"; do printf '<%s>' "$a"; done; echo`,
  code: 'exit "$1"',
  sig: 'kill -"$1" $$; sleep 5',
  slow: 'sleep "$1"; echo "$1"',
  // Adds a line to a file of its own, and succeeds from the Kth time on.
  flaky: 'echo x >>"flaky.$1"; [ "$(wc -l <"flaky.$1")" -ge "$2" ]',
  both: 'printf "out %s" "$1"; printf "err %s" "$1" >&2',
  // Waits until a file is there.
  await: 'while [ ! -e "$1" ]; do sleep 0.02; done',
};

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The folder of a test. */
export interface Desk {
  readonly folder: string;
  /** Runs `forkexec parallel` there; output is Latin-1, in which a byte is a character. */
  p(words: readonly string[], options?: RunOptions): Ran;
  /** Starts it. */
  start(words: readonly string[], env?: Record<string, string>): ReturnType<typeof spawnParallel>;
  read(name: string): string;
  write(name: string, text: string): void;
  /** Seq, Exitval and Signal of each line of a joblog. */
  log(name: string): string[];
}

function spawnParallel(folder: string, words: readonly string[], env: Record<string, string> = {}) {
  return spawn(process.execPath, [bin, 'parallel', ...words], {
    cwd: folder,
    env: { SHELL: '/bin/bash', ...env },
    stdin: 'null',
    stdout: 'pipe',
    stderr: 'pipe',
  });
}

/**
 * Calls `use` with a folder that has the programs. What a test has started and left, as one that
 * fails does, is killed: it would keep the test file from ending.
 */
export function withDesk<T>(use: (desk: Desk) => T | Promise<T>): Promise<T> {
  const started: Pick<Child, 'kill'>[] = [];
  const whole = withFolder((folder) => {
    for (const [name, code] of Object.entries(PROGRAMS)) {
      writeFileSync(join(folder, name), `#!/bin/sh\n${code}\n`);
      chmodSync(join(folder, name), 0o755);
    }
    const read = (name: string): string => readFileSync(join(folder, name), 'latin1');
    return use({
      folder,
      p(words, options = {}) {
        const { status, stdout, stderr } = runSync(process.execPath, [bin, 'parallel', ...words], {
          cwd: folder,
          reject: false,
          encoding: 'buffer',
          ...options,
          env: { SHELL: '/bin/bash', ...options.env },
        });
        const text = (bytes: unknown): string =>
          Buffer.from(bytes as Uint8Array).toString('latin1');
        return { code: status.code, stdout: text(stdout), stderr: text(stderr) };
      },
      async start(words, env) {
        const child = await spawnParallel(folder, words, env);
        started.push(child);
        return child;
      },
      read,
      write: (name, text) => writeFileSync(join(folder, name), Buffer.from(text, 'latin1')),
      log: (name) =>
        read(name)
          .split('\n')
          .slice(1, -1)
          .map((line) => {
            const fields = line.split('\t');
            return [fields[0], fields[6], fields[7]].join(' ');
          }),
    });
  });
  return whole.finally(() => {
    for (const child of started) child.kill('SIGKILL');
  });
}
