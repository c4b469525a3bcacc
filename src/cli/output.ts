/**
 * Writing without the runtime's streams, which would make descriptors non-blocking that the program
 * shares, and without its fs, where Deno knows only what it opened itself.
 *
 * @module
 */
import { attempt } from '../syscall/call.js';
import { E } from '../syscall/constants.js';
import { SystemError } from '../syscall/errors.js';
import { Failure } from './exit.js';

/** How long to leave a reader alone that has enough for now. */
const PAUSE_MS = 5;
const pause = new Int32Array(new SharedArrayBuffer(4));

/** Writes all of a text. Throws the SystemError of write(2), unless the reader has gone. */
export function write(fd: number, text: string): void {
  let bytes: Uint8Array = Buffer.from(text);
  while (bytes.length > 0) {
    const count = attempt('write', fd, bytes, bytes.length);
    if (count >= 0) bytes = bytes.subarray(count);
    else if (count === -E.EAGAIN) Atomics.wait(pause, 0, 0, PAUSE_MS);
    else if (count === -E.EPIPE)
      return; // the reader wants no more
    else if (count !== -E.EINTR) throw new SystemError('write', -count);
  }
}

/** Writes what forkexec was asked to print on stdout. */
export function print(text: string): void {
  try {
    write(1, text);
  } catch (error) {
    throw new Failure(`stdout: ${(error as Error).message}`);
  }
}

/** Writes to stderr. When that fails, the failure cannot be reported to anyone. */
export function printError(text: string): void {
  try {
    write(2, text);
  } catch {}
}

/** A line of forkexec's own on stderr. */
export function complain(message: string): void {
  printError(`forkexec: ${message}\n`);
}
