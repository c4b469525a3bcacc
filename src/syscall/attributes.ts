/**
 * Attributes of a process or thread other than ids and limits.
 *
 * @module
 */

import { call } from './call.js';
import { checkInt, checkString, checkUnsigned } from './check.js';

/**
 * Reads or sets an attribute of this process or of the calling thread; prctl(2) says which of the
 * two an option is for.
 *
 * @param option of `PR`: PR_GET_DUMPABLE, PR_SET_NAME, PR_SET_CHILD_SUBREAPER, …
 * @param args the arguments of the option: numbers, a string, or bytes that the kernel fills in.
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
 * Sets the file mode creation mask of the whole process: the permissions that new files do not get,
 * 0 to 0o777. Returns the previous mask.
 *
 * @see umask(2)
 */
export function umask(mask: number): number {
  return call('umask', checkUnsigned('mask', mask));
}

/**
 * Makes a directory the root of the whole process, for good. The working directory stays outside
 * the new root until `process.chdir('/')`. The option `chroot` of a launch does this for a child.
 *
 * @throws SystemError EPERM without CAP_SYS_CHROOT; ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG.
 * @see chroot(2)
 */
export function chroot(path: string): void {
  checkString('path', path);
  call('chroot', path);
}
