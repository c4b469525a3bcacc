// Launches that stay at their execve as long as they are needed there.

import assert from 'node:assert/strict';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startProcess } from '#dist/process/index.js';
import { call, close } from '#dist/syscall/call.js';
import { F, O, SIG } from '#dist/syscall/constants.js';
import { withFolder } from './state.js';
import { until } from './streams.js';
import { children } from './test.js';

const AT_FDCWD = -100;

/** Programs that nothing can execute for now. */
export interface Held {
  /** Copies of the program, each of which holds a process that opens it. */
  readonly files: readonly string[];
  /** Lets them be executed. */
  release(): void;
}

/**
 * Calls `use` with copies of a program whose execve does not return until they are released: this process
 * has a lease of each, and a process that opens such a file waits until it is given back. See fcntl(2).
 */
export function withHeld(
  count: number,
  use: (held: Held) => Promise<void>,
  program = '/bin/true',
): Promise<void> {
  return withFolder(async (folder) => {
    const files: string[] = [];
    const fds: number[] = [];
    const release = (): void => {
      for (const fd of fds.splice(0)) {
        call('fcntl', fd, F.F_SETLEASE, F.F_UNLCK);
        close(fd);
      }
    };
    try {
      for (let index = 0; index < count; index++) {
        const file = join(folder, `held-${index}`);
        copyFileSync(program, file);
        const fd = call('openat', AT_FDCWD, file, O.O_RDONLY | O.O_CLOEXEC, 0);
        fds.push(fd);
        // When a process opens it: instead of SIGIO, which would end this process.
        call('fcntl', fd, F.F_SETSIG, SIG.SIGURG);
        call('fcntl', fd, F.F_SETLEASE, F.F_WRLCK);
        files.push(file);
      }
      await use({ files, release });
    } finally {
      release();
    }
  });
}

/** Resolves to the children of this process that wait in their execve for a lease, once they are so many. */
export async function atExecve(count: number): Promise<number[]> {
  const waiting = (): number[] =>
    children()
      .map(Number)
      .filter((pid) => {
        try {
          return readFileSync(`/proc/${pid}/wchan`, 'utf8').includes('break_lease');
        } catch {
          return false; // it has ended
        }
      });
  let pids: number[] = [];
  await until(`${count} children are at their execve`, () => {
    pids = waiting();
    return pids.length >= count;
  });
  assert.equal(pids.length, count);
  return pids;
}

/** Calls `use` while the launch of a program waits at its execve. */
export function slowLaunch(use: () => Promise<void>): Promise<void> {
  return withHeld(1, async ({ files: [file = ''], release }) => {
    const launch = startProcess(file, ['true']);
    await atExecve(1);
    await use();
    release();
    await (await launch).wait();
  });
}
