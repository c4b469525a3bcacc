/**
 * Namespaces of the calling thread.
 *
 * A thread that is in other namespaces than the rest of its process is a thread apart; a process is
 * moved as a whole when it is launched, or by whatever runs in it before it has a second thread.
 *
 * @module
 */
import { call } from './call.js';
import { checkInt, checkUnsigned } from './check.js';

/**
 * Gives the calling thread namespaces of its own, and other things that threads have in common.
 *
 * @param flags of `CLONE`: CLONE_NEWNET, CLONE_NEWUTS, … CLONE_NEWPID is for children to come.
 * CLONE_FS and CLONE_FILES give the thread a working directory or descriptors of its own: nothing
 * in a JavaScript runtime expects that.
 * @throws SystemError EPERM without CAP_SYS_ADMIN; EINVAL for CLONE_NEWUSER, which a process with
 * several threads can't have, as JavaScript runtimes are; ENOSPC, EUSERS.
 * @see unshare(2)
 */
export function unshare(flags: number): void {
  call('unshare', checkUnsigned('flags', flags));
}

/**
 * Moves the calling thread to a namespace.
 *
 * @param fd a file of /proc/PID/ns, or a pidfd.
 * @param type the CLONE_NEW flag of the namespace; with a pidfd one or several, and with a file 0
 * for any.
 * @throws SystemError EPERM, EINVAL (a user or mount namespace, in a process with several threads),
 * EBADF, ESRCH.
 * @see setns(2)
 */
export function setns(fd: number, type = 0): void {
  call('setns', checkInt('fd', fd), checkUnsigned('type', type));
}
