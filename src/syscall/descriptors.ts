/**
 * Descriptors: files, pipes, copies, flags.
 *
 * Descriptors are numbers of the kernel. `node:fs` of Node and Bun takes them too; `node:fs` of
 * Deno takes only descriptors that it opened itself.
 *
 * Descriptors without close-on-exec are for programs that `exec` runs in place and for children
 * that other libraries launch: a launch of this library passes on the descriptors it is asked to
 * and no others. A program that also launches with child_process holds `forkLock.read` while it has
 * such descriptors.
 *
 * @module
 */
import { attempt, call } from './call.js';
import { checkInt, checkString, checkUnsigned, invalid } from './check.js';
import { AT, F, FD, O } from './constants.js';
import { SystemError } from './errors.js';

/** A length without bytes would be a length at an unrelated address. */
function checkBytes(bytes: ArrayBufferView): ArrayBufferView {
  if (!ArrayBuffer.isView(bytes)) throw invalid('bytes', bytes, 'a Buffer, TypedArray or DataView');
  return bytes;
}

/**
 * Opens a file.
 *
 * @param flags of `O`; without O_CLOEXEC, programs that are executed inherit the descriptor.
 * @param mode permissions of a file that is created, less the umask.
 * @throws SystemError ENOENT, EACCES, EEXIST, EISDIR, EMFILE, ….
 * @see open(2)
 */
export function open(path: string, flags: number = O.O_RDONLY | O.O_CLOEXEC, mode = 0o666): number {
  checkString('path', path);
  checkInt('flags', flags);
  const fd = attempt('openat', AT.AT_FDCWD, path, flags, checkUnsigned('mode', mode));
  if (fd < 0) throw new SystemError('open', -fd);
  return fd;
}

/**
 * Reads into `bytes` on the calling thread; use `syscall(SYS.read, …)` for a read that may block.
 * Returns the number of bytes read, 0 at the end.
 *
 * @throws SystemError EBADF; EAGAIN for a nonblocking file without data; EIO.
 * @see read(2)
 */
export function read(fd: number, bytes: ArrayBufferView): number {
  return call('read', checkInt('fd', fd), checkBytes(bytes), bytes.byteLength);
}

/**
 * Writes `bytes` on the calling thread; use `syscall(SYS.write, …)` for a write that may block.
 * Returns the number of bytes written.
 *
 * @throws SystemError EBADF; EAGAIN for a nonblocking file without room; EPIPE, ENOSPC.
 * @see write(2)
 */
export function write(fd: number, bytes: ArrayBufferView): number {
  return call('write', checkInt('fd', fd), checkBytes(bytes), bytes.byteLength);
}

/**
 * Closes a descriptor of this module. A descriptor of `node:fs` belongs to the runtime: close it
 * with
 * `fs.close`.
 *
 * @throws SystemError EBADF.
 * @see close(2)
 */
export function close(fd: number): void {
  call('close', checkInt('fd', fd));
}

/**
 * Sets close-on-exec: programs that are executed from then on do not have the descriptor.
 *
 * @throws SystemError EBADF.
 * @see fcntl(2), F_SETFD
 */
export function closeOnExec(fd: number): void {
  const flags = call('fcntl', checkInt('fd', fd), F.F_GETFD);
  call('fcntl', fd, F.F_SETFD, flags | FD.FD_CLOEXEC);
}

/**
 * Sets or clears O_NONBLOCK. It is a flag of the open file, so it changes for every copy of the
 * descriptor, in other processes too.
 *
 * @throws SystemError EBADF.
 * @see fcntl(2), F_SETFL
 */
export function setNonblock(fd: number, on: boolean): void {
  const flags = call('fcntl', checkInt('fd', fd), F.F_GETFL);
  call('fcntl', fd, F.F_SETFL, on ? flags | O.O_NONBLOCK : flags & ~O.O_NONBLOCK);
}

/**
 * Copies a descriptor to the lowest free number, without close-on-exec. Returns the number.
 *
 * @throws SystemError EBADF, EMFILE.
 * @see dup(2)
 */
export function dup(fd: number): number {
  return call('dup', checkInt('fd', fd));
}

/**
 * Makes `newFd` a copy of `oldFd`, without close-on-exec, and closes what `newFd` was before. Does
 * nothing if both are the same number. Returns `newFd`.
 *
 * @throws SystemError EBADF, EBUSY.
 * @see dup2(2)
 */
export function dup2(oldFd: number, newFd: number): number {
  checkInt('oldFd', oldFd);
  checkInt('newFd', newFd);
  // arm64 has no dup2, and dup3 refuses equal numbers.
  const result =
    oldFd === newFd ? attempt('fcntl', oldFd, F.F_GETFD) : attempt('dup3', oldFd, newFd, 0);
  if (result < 0) throw new SystemError('dup2', -result);
  return newFd;
}

/**
 * As `dup2`, with flags.
 *
 * @param flags O_CLOEXEC or 0.
 * @throws SystemError EBADF, EBUSY; EINVAL for equal numbers or other flags.
 * @see dup3(2)
 */
export function dup3(oldFd: number, newFd: number, flags: number): number {
  checkInt('oldFd', oldFd);
  return call('dup3', oldFd, checkInt('newFd', newFd), checkUnsigned('flags', flags));
}

/**
 * Runs one of the operations of fcntl(2) on a descriptor. Returns its result.
 *
 * @param command of `F`: F_GETFD, F_DUPFD_CLOEXEC, F_ADD_SEALS, …
 * @param argument a number, or the bytes of a struct (`struct flock`).
 * @throws SystemError EBADF, EINVAL, EMFILE; EACCES or EAGAIN for a lock that another process
 * holds.
 * @see fcntl(2)
 */
export function fcntl(fd: number, command: number, argument: number | ArrayBufferView = 0): number {
  return call('fcntl', checkInt('fd', fd), checkInt('command', command), argument);
}

/**
 * Makes a pipe: bytes written to the second descriptor are read from the first.
 *
 * @param flags of `O`: O_CLOEXEC (the default), O_NONBLOCK, O_DIRECT.
 * @throws SystemError EMFILE, ENFILE, EINVAL.
 * @see pipe2(2)
 */
export function pipe2(flags: number = O.O_CLOEXEC): [read: number, write: number] {
  const fds = new Int32Array(2);
  call('pipe2', fds, checkUnsigned('flags', flags));
  return [fds[0] as number, fds[1] as number];
}

/**
 * Runs one of the operations of ioctl(2) on a device. Returns its result.
 *
 * @param request of `TIOC`, `NS`, `PIDFD`, …: TIOCGWINSZ
 * @param argument a number, or the bytes of the struct that the request takes.
 * @throws SystemError EBADF; ENOTTY for a request that the device does not know; EINVAL.
 * @see ioctl(2)
 */
export function ioctl(
  fd: number,
  request: number,
  argument: number | bigint | string | ArrayBufferView = 0,
): number {
  return call('ioctl', checkInt('fd', fd), checkUnsigned('request', request), argument);
}
