/**
 * Writing without the runtime's streams, which would make descriptors non-blocking that the program
 * shares.
 *
 * @module
 */
import { writeSync } from 'node:fs';

/** How long to leave a reader alone that has enough for now. */
const PAUSE_MS = 5;

/** Writes all of it, or as much as there is somebody to read. */
export function write(fd: number, text: string): void {
  let bytes: Uint8Array = Buffer.from(text);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(fd, bytes));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EAGAIN') return; // closed, or nobody reads: there is no one to tell
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    }
  }
}

/** A line of forkexec's own on stderr. */
export function complain(message: string): void {
  write(2, `forkexec: ${message}\n`);
}
