/**
 * What a program in a sandbox leaves behind.
 *
 * @module
 */
import type { Process } from '../process/process.js';

/** How often those are looked for that are left: one may fork while it is looked at. */
const LOOKS = 10;

/** Kills what a program in a sandbox has left behind. */
export function killLeft(process: Process): void {
  try {
    for (let look = 0; look < LOOKS; look++) {
      if (!process.signal('SIGKILL', { scope: 'tree' })) return;
    }
  } catch {
    // without /proc they are not found, which the report of the sandbox tells
  }
}
