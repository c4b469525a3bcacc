/**
 * Descriptors: files, pipes, copies, flags.
 *
 * They are the kernel's numbers. Node and Bun take them in `node:fs` as well; Deno knows there only
 * what it opened itself.
 *
 * What is made here without close-on-exec is for programs that are executed in place, and for
 * children that something else launches: this library's launches pass on what they are asked to and
 * nothing else. Whoever launches with child_process beside it holds `forkLock.read` meanwhile.
 *
 * @module
 */
import { attempt, call } from './call.js';
import { checkInt, checkString, checkUnsigned, invalid } from './check.js';
import { AT, F, FD, O } from './constants.js';
import { SystemError } from './errors.js';

/** A length without bytes would be that of another address. */
function checkBytes(bytes: ArrayBufferView): ArrayBufferView {
  if (!ArrayBuffer.isView(bytes)) throw invalid('bytes', bytes, 'an ArrayBufferView');
  return bytes;
}

/**
 * Opens a file.
 *
 * @param flags of `O`; without O_CLOEXEC programs that are executed have the descriptor.
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
 * Reads into `bytes`, here and now: what may have to wait is for `syscall(SYS.read, …)`. Returns how
 * many bytes there were, 0 at the end.
 *
 * @throws SystemError EBADF; EAGAIN without anything to read, where the file does not block; EIO.
 * @see read(2)
 */
export function read(fd: number, bytes: ArrayBufferView): number {
  return call('read', checkInt('fd', fd), checkBytes(bytes), bytes.byteLength);
}

/**
 * Writes `bytes`, here and now: what may have to wait is for `syscall(SYS.write, …)`. Returns how many
 * were taken.
 *
 * @throws SystemError EBADF; EAGAIN where there is no room and the file does not block; EPIPE, ENOSPC.
 * @see write(2)
 */
export function write(fd: number, bytes: ArrayBufferView): number {
  return call('write', checkInt('fd', fd), checkBytes(bytes), bytes.byteLength);
}

/**
 * Closes a descriptor that was made here. One from `node:fs` belongs to the runtime: `fs.close`
 * closes it.
 *
 * @throws SystemError EBADF.
 * @see close(2)
 */
export function close(fd: number): void {
  call('close', checkInt('fd', fd));
}

/**
 * Sets close-on-exec: no program that is executed from here on has the descriptor.
 *
 * @throws SystemError EBADF.
 * @see fcntl(2), F_SETFD
 */
export function closeOnExec(fd: number): void {
  const flags = call('fcntl', checkInt('fd', fd), F.F_GETFD);
  call('fcntl', fd, F.F_SETFD, flags | FD.FD_CLOEXEC);
}

/**
 * Sets or clears O_NONBLOCK. It is a flag of the open file: whoever has a copy of the descriptor,
 * in another process too, is affected.
 *
 * @throws SystemError EBADF.
 * @see fcntl(2), F_SETFL
 */
export function setNonblock(fd: number, on: boolean): void {
  const flags = call('fcntl', checkInt('fd', fd), F.F_GETFL);
  call('fcntl', fd, F.F_SETFL, on ? flags | O.O_NONBLOCK : flags & ~O.O_NONBLOCK);
}

/**
 * A copy of a descriptor, the lowest number that is free, without close-on-exec.
 *
 * @throws SystemError EBADF, EMFILE.
 * @see dup(2)
 */
export function dup(fd: number): number {
  return call('dup', checkInt('fd', fd));
}

/**
 * Makes `newFd` a copy of `oldFd`, without close-on-exec; what `newFd` was is closed. Does nothing
 * where both are the same. Returns `newFd`.
 *
 * @throws SystemError EBADF, EBUSY.
 * @see dup2(2)
 */
export function dup2(oldFd: number, newFd: number): number {
  checkInt('oldFd', oldFd);
  checkInt('newFd', newFd);
  // arm64 has no dup2, and dup3 takes no descriptor twice.
  const result =
    oldFd === newFd ? attempt('fcntl', oldFd, F.F_GETFD) : attempt('dup3', oldFd, newFd, 0);
  if (result < 0) throw new SystemError('dup2', -result);
  return newFd;
}

/**
 * As `dup2`, with flags.
 *
 * @param flags O_CLOEXEC or 0.
 * @throws SystemError EBADF, EBUSY; EINVAL where both are the same or for other flags.
 * @see dup3(2)
 */
export function dup3(oldFd: number, newFd: number, flags: number): number {
  checkInt('oldFd', oldFd);
  return call('dup3', oldFd, checkInt('newFd', newFd), checkUnsigned('flags', flags));
}

/**
 * One of the many operations on a descriptor.
 *
 * @param command of `F`: F_GETFD, F_DUPFD_CLOEXEC, F_ADD_SEALS, …
 * @param argument a number, or the bytes of a struct (`struct flock`).
 * @throws SystemError EBADF, EINVAL, EMFILE; EACCES or EAGAIN for a lock that another has.
 * @see fcntl(2)
 */
export function fcntl(fd: number, command: number, argument: number | ArrayBufferView = 0): number {
  return call('fcntl', checkInt('fd', fd), checkInt('command', command), argument);
}

/**
 * A pipe: what is written to the second descriptor is read from the first.
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
 * One of the many operations on a device.
 *
 * @param request of `TIOC`, `NS`, `PIDFD`, …: TIOCGWINSZ
 * @param argument a number, or the bytes of the struct that the request takes.
 * @throws SystemError EBADF; ENOTTY where the device knows no such request; EINVAL.
 * @see ioctl(2)
 */
export function ioctl(
  fd: number,
  request: number,
  argument: number | bigint | string | ArrayBufferView = 0,
): number {
  return call('ioctl', checkInt('fd', fd), checkUnsigned('request', request), argument);
}
