// Control groups of the tests' own, below the one that this process is in.

import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { patience } from './patience.js';

/** The directory of this process' group in the unified hierarchy, if that is mounted. */
export function ownGroup(): string | undefined {
  const path = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    // proc_pid_mountinfo(5): the root of the mount is field 4, where it is 5; the type follows " - ".
    const [fields = '', type = ''] = line.split(' - ');
    const [, , , root, where] = fields.split(' ');
    if (type.startsWith('cgroup2 ') && root === '/' && path !== undefined) {
      return join(where as string, path);
    }
  }
  return undefined;
}

const base = ownGroup();

/** Why there can be none. */
function cgroupLack(): string | false {
  if (base === undefined) return 'no control groups of version 2 are mounted';
  const folder = join(base, `forkexec-probe-${process.pid}`);
  try {
    mkdirSync(folder);
    rmdirSync(folder);
    return false;
  } catch (error) {
    return `no control group can be made: ${(error as Error).message}`;
  }
}

/** For tests that need one. */
export const withoutCgroups: { skip: string | false } = { skip: cgroupLack() };

let last = 0;

/** Calls `use` with a new group, which is gone afterwards, and what is in it too. */
export async function withCgroup<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = join(base as string, `forkexec-${process.pid}-${last++}`);
  mkdirSync(folder);
  try {
    return await use(folder);
  } finally {
    await remove(folder);
  }
}

async function remove(folder: string): Promise<void> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await remove(join(folder, entry.name));
  }
  writeFileSync(join(folder, 'cgroup.freeze'), '0');
  for (const pid of membersOf(folder)) process.kill(pid, 'SIGKILL');
  // A zombie is still in it until its parent has reaped it.
  for (const deadline = Date.now() + patience(10_000); ; await sleep(5)) {
    try {
      rmdirSync(folder);
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

export function membersOf(folder: string): number[] {
  const isThreaded = readFileSync(join(folder, 'cgroup.type'), 'utf8') === 'threaded\n';
  const file = isThreaded ? 'cgroup.threads' : 'cgroup.procs';
  return readFileSync(join(folder, file), 'utf8').split('\n').filter(Boolean).map(Number);
}

/** As /proc/PID/cgroup names it. */
export function nameOf(folder: string): string {
  const own = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] as string;
  return join(own, folder.slice((base as string).length));
}

/** Stops all that is in it, and waits until the kernel has. */
export async function freeze(folder: string, frozen: boolean): Promise<void> {
  writeFileSync(join(folder, 'cgroup.freeze'), frozen ? '1' : '0');
  const state = frozen ? /^frozen 1$/m : /^frozen 0$/m;
  const deadline = Date.now() + patience(10_000);
  while (!state.test(readFileSync(join(folder, 'cgroup.events'), 'utf8'))) {
    if (Date.now() > deadline) throw new Error(`${folder} does not freeze`);
    await sleep(5);
  }
}
