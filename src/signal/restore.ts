/**
 * Puts back what the runtime undid.
 *
 * `forkexec node` loads this before every program, so it comes without the tables of constants.
 *
 * @module
 */
import { isMainThread } from 'node:worker_threads';
import { native } from '../native.js';
import { setIgnored } from './listeners.js';
import { record } from './record.js';

const SIGCHLD = 17;
const SIGNALS = 64;

/** The number of rt_sigprocmask(2). */
const SYS_RT_SIGPROCMASK = process.arch === 'arm64' ? 135 : 14;
const SIG_BLOCK = 0;

/**
 * Ignores and blocks what was ignored and blocked when this process was started, if the launcher
 * started it. SIGCHLD is not ignored: the kernel would forget how its children end.
 */
export function restoreInherited(): void {
  // A Worker has all of it from the main thread, which may have changed it since.
  if (record === undefined || !isMainThread) return;
  for (let number = 1; number <= SIGNALS; number++) {
    const isIgnored = (record.ignored >> BigInt(number - 1)) & 1n;
    if (isIgnored && number !== SIGCHLD) setIgnored(number, true);
  }
  const { blocked } = record;
  if (blocked === 0n) return;
  native.rawSyscall(SYS_RT_SIGPROCMASK, SIG_BLOCK, BigUint64Array.of(blocked), null, 8);
}
