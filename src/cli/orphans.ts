/**
 * Orphans of process 1.
 *
 * @module
 */
import { entries } from '../process/proc.js';
import { notify } from '../signal/notify.js';
import { attempt } from '../syscall/call.js';
import { P, W } from '../syscall/constants.js';

/** Waits for children that have ended, but for the program itself: whoever started them is gone. */
function reapAllBut(pid: number): void {
  try {
    for (const { pid: orphan, parent, ended } of entries()) {
      if (!ended || parent !== process.pid || orphan === pid) continue;
      attempt('waitid', P.P_PID, orphan, null, W.WEXITED | W.WNOHANG, null);
    }
  } catch {
    // no /proc of this namespace: they stay until it ends
  }
}

/**
 * The kernel hands the orphans of a pid namespace to its process 1, as which a container may run
 * forkexec: there it waits for them, beside the program.
 */
export function reapOrphans(pid: number): void {
  if (process.pid !== 1) return;
  notify('SIGCHLD').on('signal', () => reapAllBut(pid));
  reapAllBut(pid);
}
