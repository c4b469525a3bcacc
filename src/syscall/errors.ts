/**
 * Error numbers and the error of a failed system call.
 *
 * @module
 */
import { E, E_MESSAGE } from './constants.js';

let names: Map<number, string> | undefined;

/** The name of an errno, `'ENOENT'` for 2. */
export function errorName(errno: number): string {
  names ??= new Map(Object.entries(E).map(([name, number]) => [number as number, name]));
  return names.get(errno) ?? `E${String(errno)}`;
}

/** The text of strerror(3) for an errno, in lower case. */
export function errorMessage(errno: number): string {
  return (
    (E_MESSAGE as Record<string, string>)[errorName(errno)] ?? `unknown error ${String(errno)}`
  );
}

/**
 * The error of a native function that makes `syscall` and may need a thread first: EAGAIN says that
 * there is none to be had.
 */
export function threadError(syscall: string, errno: number): SystemError {
  return new SystemError(errno === E.EAGAIN ? 'pthread_create' : syscall, errno);
}

/** Whether a thread was missing. */
export function isThreadError(error: unknown): error is SystemError {
  return error instanceof SystemError && error.syscall === 'pthread_create';
}

/** A system call that failed. */
export class SystemError extends Error {
  /** The name of the errno: `'ENOENT'`. */
  readonly code: string;
  /** The errno, positive. */
  readonly errno: number;
  /** The system call: `'kill'`. */
  readonly syscall: string;

  /** @param argument What the call was made for, if there is more to say than its name: a path. */
  constructor(syscall: string, errno: number, argument?: string) {
    const call = argument === undefined ? syscall : `${syscall}(${JSON.stringify(argument)})`;
    super(`${call}: ${errorName(errno)}: ${errorMessage(errno)}`);
    this.name = 'SystemError';
    this.code = errorName(errno);
    this.errno = errno;
    this.syscall = syscall;
  }
}
