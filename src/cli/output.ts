/**
 * Writing without the runtime's streams, which would make descriptors non-blocking that the program
 * shares, and without its fs, where Deno knows only what it opened itself.
 *
 * @module
 */
import { attempt } from '../syscall/call.js';
import { E } from '../syscall/constants.js';

/** How long to leave a reader alone that has enough for now. */
const PAUSE_MS = 5;
const pause = new Int32Array(new SharedArrayBuffer(4));

/** Writes all of it, or as much as there is somebody to read. */
export function write(fd: number, text: string): void {
  let bytes: Uint8Array = Buffer.from(text);
  while (bytes.length > 0) {
    const count = attempt('write', fd, bytes, bytes.length);
    if (count >= 0) bytes = bytes.subarray(count);
    else if (count === -E.EAGAIN) Atomics.wait(pause, 0, 0, PAUSE_MS);
    else if (count !== -E.EINTR) return; // closed, or nobody reads: there is no one to tell
  }
}

/** A line of forkexec's own on stderr. */
export function complain(message: string): void {
  write(2, `forkexec: ${message}\n`);
}
