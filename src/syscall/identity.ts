/**
 * Users and groups.
 *
 * Linux keeps ids per thread. The functions of this module set them for all threads, through the C
 * library; `rawSyscall(SYS.setuid, …)` changes the calling thread alone. The option `credential` of
 * a launch sets the ids of a child.
 *
 * @module
 */
import { native } from '../native.js';
import { SETTER } from '../protocol.js';
import { isMainThread } from '../thread.js';
import { call } from './call.js';
import { checkUnsigned, invalid } from './check.js';
import { SystemError } from './errors.js';

/** The three ids that a process has of each kind. */
export interface Ids {
  /** The id of the user or group that started the process. */
  readonly real: number;
  /** The id that permissions are checked with. */
  readonly effective: number;
  /** The id that the process is allowed to switch back to. */
  readonly saved: number;
}

/** The real user. @see getuid(2) */
export function getuid(): number {
  return call('getuid');
}

/** The effective user. @see geteuid(2) */
export function geteuid(): number {
  return call('geteuid');
}

/** The real group. @see getgid(2) */
export function getgid(): number {
  return call('getgid');
}

/** The effective group. @see getegid(2) */
export function getegid(): number {
  return call('getegid');
}

function idsOf(name: 'getresuid' | 'getresgid'): Ids {
  const ids = new Uint32Array(3);
  call(name, ids.subarray(0, 1), ids.subarray(1, 2), ids.subarray(2));
  const [real, effective, saved] = ids as unknown as [number, number, number];
  return { real, effective, saved };
}

/** The three users. @see getresuid(2) */
export function getresuid(): Ids {
  return idsOf('getresuid');
}

/** The three groups. @see getresgid(2) */
export function getresgid(): Ids {
  return idsOf('getresgid');
}

/** The supplementary groups. @see getgroups(2) */
export function getgroups(): number[] {
  const groups = new Uint32Array(call('getgroups', 0, null));
  return [...groups.subarray(0, call('getgroups', groups.length, groups))];
}

function set(name: keyof typeof SETTER, ids: readonly number[]): void {
  if (!isMainThread) {
    const error = new TypeError(
      `${name} must be called on the main thread: it changes all threads`,
    );
    throw Object.assign(error, { code: 'ERR_WORKER_UNSUPPORTED_OPERATION' });
  }
  const errno = native.setIdentity(SETTER[name], Uint32Array.from(ids));
  if (errno !== 0) throw new SystemError(name, errno);
}

/**
 * Sets the effective user of all threads, and with CAP_SETUID also the real and the saved user.
 *
 * @throws SystemError EPERM. ERR_WORKER_UNSUPPORTED_OPERATION in a Worker.
 * @see setuid(2)
 */
export function setuid(uid: number): void {
  set('setuid', [checkUnsigned('uid', uid)]);
}

/**
 * Sets the effective user of all threads to the real or the saved user, or with CAP_SETUID to any.
 *
 * @throws SystemError EPERM. ERR_WORKER_UNSUPPORTED_OPERATION in a Worker.
 * @see seteuid(2)
 */
export function seteuid(uid: number): void {
  set('seteuid', [checkUnsigned('uid', uid)]);
}

/**
 * Sets the effective group of all threads, and with CAP_SETGID also the real and the saved group.
 *
 * @throws SystemError EPERM. ERR_WORKER_UNSUPPORTED_OPERATION in a Worker.
 * @see setgid(2)
 */
export function setgid(gid: number): void {
  set('setgid', [checkUnsigned('gid', gid)]);
}

/**
 * Sets the effective group of all threads to the real or the saved group, or with CAP_SETGID to
 * any.
 *
 * @throws SystemError EPERM. ERR_WORKER_UNSUPPORTED_OPERATION in a Worker.
 * @see setegid(2)
 */
export function setegid(gid: number): void {
  set('setegid', [checkUnsigned('gid', gid)]);
}

/**
 * Sets the supplementary groups of all threads.
 *
 * @throws SystemError EPERM without CAP_SETGID or where the user namespace denies it; EINVAL for
 * more than 65536 groups. ERR_WORKER_UNSUPPORTED_OPERATION in a Worker.
 * @see setgroups(2)
 */
export function setgroups(groups: readonly number[]): void {
  if (!Array.isArray(groups)) throw invalid('groups', groups, 'an array of groups');
  const list = groups.map((group: number, index) => checkUnsigned(`groups[${index}]`, group));
  set('setgroups', list);
}
