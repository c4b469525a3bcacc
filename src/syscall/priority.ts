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
 * Returns a nice value, -20 (most favoured) to 19 (least); the lowest one if `who` is several
 * processes.
 *
 * @param which of `PRIO`: PRIO_PROCESS, PRIO_PGRP, PRIO_USER.
 * @param who a thread (a pid is its main thread), a process group or a user; 0 is that of the
 * caller.
 * @throws SystemError ESRCH, EINVAL.
 * @see getpriority(2)
 */
export function getpriority(which: number, who = 0): number {
  return OFFSET - call('getpriority', checkInt('which', which), checkUnsigned('who', who));
}

/**
 * Sets a nice value. On Linux each thread has its own: PRIO_PROCESS changes one thread, and a new
 * process starts with the nice value of the thread that launched it.
 *
 * @param nice -20 to 19; the kernel replaces other values with the nearest of these.
 * @throws SystemError EACCES for a lower value without CAP_SYS_NICE; EPERM for a process of another
 * user; ESRCH, EINVAL.
 * @see setpriority(2)
 */
export function setpriority(which: number, who: number, nice: number): void {
  call('setpriority', checkInt('which', which), checkUnsigned('who', who), checkInt('nice', nice));
}
