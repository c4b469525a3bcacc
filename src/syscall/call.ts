/**
 * System calls for this library's own use: on the calling thread, and only calls that do not block.
 *
 * @module
 */
import { backend } from '../backend.js';
import { native } from '../native.js';
import { unavailable } from './check.js';
import { F, O, SYS } from './constants.js';
import { SystemError } from './errors.js';

type Argument = number | bigint | string | ArrayBufferView | null;

/** The result of a system call, or -errno. */
export function attempt(name: keyof typeof SYS, ...args: Argument[]): number {
  return Number(native.rawSyscall(SYS[name] ?? -1, ...args));
}

/**
 * The result of a system call; throws a SystemError when it failed or the backend does not have it.
 */
export function call(name: keyof typeof SYS, ...args: Argument[]): number {
  if (backend !== 'linux' && SYS[name] === undefined)
    throw unavailable(`The system call '${name}'`);
  const result = attempt(name, ...args);
  if (result < 0) throw new SystemError(name, -result);
  return result;
}

/** Closes a descriptor. Errors are ignored: on Linux the descriptor is closed all the same. */
export function close(fd: number): void {
  attempt('close', fd);
}

/** The descriptor, moved to 3 or above, so that no code takes it for stdio. */
export function aboveStdio(fd: number): number {
  if (fd > 2) return fd;
  const moved = attempt('fcntl', fd, F.F_DUPFD_CLOEXEC, 3);
  close(fd);
  if (moved < 0) throw new SystemError('fcntl', -moved);
  return moved;
}

/** Makes reads and writes of a descriptor of this library return at once. */
export function setNonblocking(fd: number): void {
  call('fcntl', fd, F.F_SETFL, call('fcntl', fd, F.F_GETFL) | O.O_NONBLOCK);
}
