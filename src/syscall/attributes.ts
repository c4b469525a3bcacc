/**
 * What a process or thread has besides numbers and limits.
 *
 * @module
 */

import { call } from './call.js';
import { checkInt, checkString, checkUnsigned } from './check.js';

/**
 * One of the many attributes of a process, or of the calling thread: which, its page says.
 *
 * @param option of `PR`: PR_GET_DUMPABLE, PR_SET_NAME, PR_SET_CHILD_SUBREAPER, …
 * @param args as the option has them: numbers, a string, or bytes to fill in.
 * @throws SystemError EINVAL, EPERM, EFAULT.
 * @see prctl(2)
 */
export function prctl(
  option: number,
  ...args: (number | bigint | string | ArrayBufferView | null)[]
): number {
  return call('prctl', checkInt('option', option), ...args);
}

/**
 * Sets which permissions new files do without, 0 to 0o777, for the whole process. Returns what it
 * was.
 *
 * @see umask(2)
 */
export function umask(mask: number): number {
  return call('umask', checkUnsigned('mask', mask));
}

/**
 * Makes a directory the root of the whole process; the working directory stays, outside, until
 * `process.chdir('/')`. There is no way back. `chroot` of a launch is for a child.
 *
 * @throws SystemError EPERM without CAP_SYS_CHROOT; ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG.
 * @see chroot(2)
 */
export function chroot(path: string): void {
  checkString('path', path);
  call('chroot', path);
}
