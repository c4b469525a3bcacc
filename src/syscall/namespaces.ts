/**
 * Namespaces of the calling thread.
 *
 * These functions move only the calling thread. A whole process is moved at its launch, by the
 * option
 * `namespaces`, or by code that runs in it before it has a second thread.
 *
 * @module
 */
import { call } from './call.js';
import { checkInt, checkUnsigned } from './check.js';

/**
 * Gives the calling thread namespaces of its own, and its own copy of things that threads share.
 *
 * @param flags of `CLONE`: CLONE_NEWNET, CLONE_NEWUTS, … CLONE_NEWPID is for later children.
 * CLONE_FS and CLONE_FILES give the thread a working directory or descriptors of its own, which no
 * JavaScript runtime expects.
 * @throws SystemError EPERM without CAP_SYS_ADMIN; EINVAL for CLONE_NEWUSER in a process with
 * several threads, as every JavaScript runtime is; ENOSPC, EUSERS.
 * @see unshare(2)
 */
export function unshare(flags: number): void {
  call('unshare', checkUnsigned('flags', flags));
}

/**
 * Moves the calling thread to a namespace.
 *
 * @param fd a file of /proc/PID/ns, or a pidfd.
 * @param type the CLONE_NEW flag of the namespace: one or several for a pidfd, and 0 for any
 * namespace of a file.
 * @throws SystemError EPERM, EINVAL (a user or mount namespace in a process with several threads),
 * EBADF, ESRCH.
 * @see setns(2)
 */
export function setns(fd: number, type = 0): void {
  call('setns', checkInt('fd', fd), checkUnsigned('type', type));
}
