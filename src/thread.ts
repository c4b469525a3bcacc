/**
 * This thread, as the kernel shows it: node:worker_threads, which Node reads from its file first, is
 * loaded only where the kernel does not say enough.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { isMainThread as isMain } from 'node:worker_threads';

function readStatus(): string {
  if (process.platform !== 'linux') return '';
  try {
    return readFileSync('/proc/thread-self/status', 'latin1');
  } catch {
    return ''; // no /proc, or no permission to read it
  }
}

/** The status of this thread at the time of the import: proc_pid_status(5); `''` if it is unknown. */
export const status: string = readStatus();

/** Whether the status is that of the thread that the process began with, which is never a Worker's. */
const isFirst = /^Tgid:\t(\d+)\n(?:.*\n)*?Pid:\t\1$/m.test(status);

/** Whether this is the main thread of JavaScript, and not a Worker. */
export const isMainThread: boolean = isFirst || isMain;
