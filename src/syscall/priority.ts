/**
 * Nice values.
 *
 * @module
 */
import { call } from './call.js';
import { checkInt, checkUnsigned } from './check.js';

/** The kernel returns 20 minus the nice value, so that no result looks like an error. */
const OFFSET = 20;

/**
 * A nice value, -20 (first) to 19 (last); the lowest of all where `who` means several.
 *
 * @param which of `PRIO`: PRIO_PROCESS, PRIO_PGRP, PRIO_USER.
 * @param who a thread (a pid is its main thread), a process group or a user; 0 is the calling one.
 * @throws SystemError ESRCH, EINVAL.
 * @see getpriority(2)
 */
export function getpriority(which: number, who = 0): number {
  return OFFSET - call('getpriority', checkInt('which', which), checkUnsigned('who', who));
}

/**
 * Sets a nice value. On Linux each thread has its own: PRIO_PROCESS changes one thread, and a
 * process that is launched has that of the thread which launched it.
 *
 * @param nice -20 to 19; the kernel takes the nearest.
 * @throws SystemError EACCES to lower it without CAP_SYS_NICE; EPERM for another user's; ESRCH,
 * EINVAL.
 * @see setpriority(2)
 */
export function setpriority(which: number, who: number, nice: number): void {
  call('setpriority', checkInt('which', which), checkUnsigned('who', who), checkInt('nice', nice));
}
