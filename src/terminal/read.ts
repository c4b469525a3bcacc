/**
 * Reading the output of a terminal.
 *
 * @module
 */
import { attempt } from '../syscall/call.js';
import { E } from '../syscall/constants.js';
import { SystemError } from '../syscall/errors.js';

/** More than the kernel holds of a terminal in one direction: 22 KB were seen on Linux 6.18. */
export const MOST_HELD: number = 256 * 1024;

/** How much is read at once. */
const CHUNK = 64 * 1024;

/** Where it is read to first: as a rule there is little or nothing. */
let chunk: Buffer | undefined;

/**
 * What is there, up to CHUNK bytes: the kernel gives no more than 4 KiB of a terminal at once. null
 * once no process has the terminal open and all was read.
 */
export function readAll(master: number): Uint8Array | null {
  chunk ??= Buffer.allocUnsafeSlow(CHUNK);
  let size = 0;
  while (size < CHUNK) {
    const count = attempt('read', master, chunk.subarray(size), CHUNK - size);
    if (count > 0) size += count;
    else if (count !== -E.EINTR) {
      if (size > 0 || count === -E.EAGAIN) break;
      if (count === 0 || count === -E.EIO) return null;
      throw new SystemError('read', -count);
    }
  }
  return Buffer.from(chunk.subarray(0, size));
}
