/**
 * What a program in a sandbox leaves behind.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import type { Process } from '../process/process.js';

/** How often those are looked for that are left: one may fork while it is looked at. */
const LOOKS = 10;

/**
 * Whether no process was made since this one: proc_loadavg(5) ends with the number that was given last, in the
 * pid namespace of the reader. Looking at every process takes a hundred times as long.
 */
function wasLast(pid: number): boolean {
  return readFileSync('/proc/loadavg', 'latin1').trimEnd().endsWith(` ${pid}`);
}

/** Kills what a program in a sandbox has left behind. */
export function killLeft(process: Process): void {
  try {
    if (wasLast(process.pid)) return;
    for (let look = 0; look < LOOKS; look++) {
      if (!process.signal('SIGKILL', { scope: 'tree' })) return;
    }
  } catch {
    // without /proc they are not found, which the report of the sandbox tells
  }
}
