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
  return check(name, attempt(name, ...args));
}

function check(name: keyof typeof SYS, result: number): number {
  if (backend !== 'linux' && SYS[name] === undefined)
    throw unavailable(`The system call '${name}'`);
  if (result < 0) throw new SystemError(name, -result);
  return result;
}

/**
 * As `attempt`, for a call that makes a descriptor. It belongs to this JavaScript thread from birth, which
 * closes it when it ends: a Worker may be terminated at any time. A launch or a channel takes it over.
 */
export function attemptOpen(name: keyof typeof SYS, ...args: Argument[]): number {
  return native.openOwned(-1, SYS[name] ?? -1, ...args);
}

/** As `attemptOpen`; throws a SystemError when the call failed. */
export function callOpen(name: keyof typeof SYS, ...args: Argument[]): number {
  return check(name, attemptOpen(name, ...args));
}

/** As `attemptOpen`, for a pipe or a pair of sockets, which the call writes to `args[at]`. */
export function attemptPair(name: keyof typeof SYS, at: number, ...args: Argument[]): number {
  return native.openOwned(at, SYS[name] ?? -1, ...args);
}

/** A copy of a descriptor at 3 or above, close-on-exec; or -errno. */
export function attemptCopy(fd: number): number {
  return attemptOpen('fcntl', fd, F.F_DUPFD_CLOEXEC, 3);
}

/** Closes a descriptor. Errors are ignored: on Linux the descriptor is closed all the same. */
export function close(fd: number): void {
  native.closeOwned(fd);
}

/** The descriptor, moved to 3 or above, so that no code takes it for stdio. */
export function aboveStdio(fd: number): number {
  if (fd > 2) return fd;
  const moved = attemptCopy(fd);
  close(fd);
  if (moved < 0) throw new SystemError('fcntl', -moved);
  return moved;
}

/** As `aboveStdio`, for two; where one can't be moved both are closed. */
export function pairAboveStdio(first: number, second: number): [first: number, second: number] {
  let moved = -1;
  try {
    moved = aboveStdio(first);
    return [moved, aboveStdio(second)];
  } catch (error) {
    close(moved < 0 ? second : moved);
    throw error;
  }
}

/** Makes reads and writes of a descriptor of this library return at once. */
export function setNonblocking(fd: number): void {
  call('fcntl', fd, F.F_SETFL, call('fcntl', fd, F.F_GETFL) | O.O_NONBLOCK);
}
