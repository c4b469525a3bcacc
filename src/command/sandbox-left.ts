/**
 * What a program in a sandbox leaves behind.
 *
 * @module
 */
import { attempt, close } from '../syscall/call.js';
import { O } from '../syscall/constants.js';
import { openFileSync } from '../syscall/open.js';
import type { SandboxGroup } from './sandbox-group.js';

/** A process that was started in a sandbox. */
interface Ended {
  readonly pid: number;
  signal(signal: 'SIGKILL', options: { scope: 'tree' | 'cgroup' }): boolean;
  mayHaveLeft(last: number): boolean;
}

/** How often those are looked for that are left: one may fork while it is looked at. */
const LOOKS = 10;

/**
 * Milliseconds in which no system comes round to a number of a process again: it has 32,768 at least, unless
 * its administrator wants fewer.
 */
const SHORT = 50;

/** Of the processes that this system can have, as many numbers are there to be given. */
const FEWEST_NUMBERS = 32_768;

const line = Buffer.alloc(128);

/** A file of one line. Not with node:fs, which takes as long as the rest of the question. */
function lineOf(path: string): string {
  const fd = openFileSync(path, O.O_RDONLY);
  const length = attempt('read', fd, line, line.length);
  close(fd);
  return line.toString('latin1', 0, Math.max(length, 0));
}

/** The number that was given last: proc_loadavg(5), in the pid namespace of the reader. */
function lastNumber(): number {
  const text = lineOf('/proc/loadavg');
  return Number(text.slice(text.lastIndexOf(' ') + 1));
}

/**
 * Whether processes of its tree may be there after the end of a process that lived for some milliseconds. All of
 * them got their numbers after it: to look at every process of the system takes a hundred times as long.
 */
function mayHaveLeft(process: Ended, lived: number): boolean {
  const last = lastNumber();
  if (last === process.pid) return false;
  if (lived > SHORT || last < process.pid) return true;
  const numbers = Number(lineOf('/proc/sys/kernel/pid_max'));
  return !(numbers >= FEWEST_NUMBERS) || process.mayHaveLeft(last);
}

/** Kills what a program in a sandbox has left behind that has ended after some milliseconds. */
export function killLeft(process: Ended, lived: number, group?: SandboxGroup): void {
  try {
    if (group === undefined && !mayHaveLeft(process, lived)) return;
    const scope = group === undefined ? 'tree' : 'cgroup';
    for (let look = 0; look < LOOKS; look++) {
      if (!process.signal('SIGKILL', { scope })) break;
    }
  } catch {
    // without /proc they are not found, which the report of the sandbox tells
  }
  group?.remove();
}
