/**
 * Reads and writes of a descriptor that does not block.
 *
 * @module
 */
import { attempt } from '../syscall/call.js';
import { E, F, LAYOUT, POLL } from '../syscall/constants.js';
import { SystemError } from '../syscall/errors.js';
import { readStruct, writeStruct } from '../syscall/layout.js';

/** As much as a pipe holds by default. */
const READ_SIZE = 64 * 1024;

/** What a pipe or a socket can hold, unless root has raised it. */
export const LARGEST_BUFFER: number = 1024 * 1024;

/** Where reads go first: small ones are copied out of it, large ones take it along. */
let scratch = Buffer.allocUnsafeSlow(READ_SIZE);

/** The first `count` bytes of the scratch memory, as the caller's own. */
function taken(count: number): Buffer {
  if (count < READ_SIZE / 2) return Buffer.from(scratch.subarray(0, count));
  const bytes = scratch.subarray(0, count);
  scratch = Buffer.allocUnsafeSlow(READ_SIZE);
  return bytes;
}

/** What is there; undefined when nothing is yet, null at the end. */
export function readSome(fd: number): Buffer | undefined | null {
  for (;;) {
    const count = attempt('read', fd, scratch, READ_SIZE);
    if (count > 0) return taken(count);
    if (count === 0 || count === -E.EIO || count === -E.ECONNRESET) return null; // EIO: a terminal
    if (count === -E.EAGAIN) return undefined;
    if (count !== -E.EINTR) throw new SystemError('read', -count);
  }
}

/** Whether another process has the other side of a pipe or a socket open: poll(2). */
export function isHeld(fd: number): boolean {
  const pollfd = writeStruct(LAYOUT.pollfd, { fd, events: 0 });
  attempt('ppoll', pollfd, 1, new Uint8Array(LAYOUT.timespec.size), null, 0);
  const { revents } = readStruct(LAYOUT.pollfd, pollfd);
  return (Number(revents) & (POLL.POLLHUP | POLL.POLLERR)) === 0;
}

/**
 * Makes a pipe of ours as large as anybody may, so that who writes and who reads much wake each other
 * less often. Where that is refused, it stays as it is.
 */
export function growPipe(fd: number): void {
  const { F_SETPIPE_SZ }: { F_SETPIPE_SZ?: number } = F; // Linux has it alone
  if (F_SETPIPE_SZ !== undefined) attempt('fcntl', fd, F_SETPIPE_SZ, LARGEST_BUFFER);
}

/** Whether there are more bytes than a pipe holds, or so many were read that it must have been full. */
export function fillsPipe(bytes: Uint8Array | undefined | null): boolean {
  return bytes !== undefined && bytes !== null && bytes.length >= READ_SIZE;
}

/** How many bytes were taken: 0 when none can be now, -1 when nobody reads any more. */
export function writeSome(fd: number, bytes: Uint8Array): number {
  for (;;) {
    const count = attempt('write', fd, bytes, bytes.length);
    if (count >= 0) return count;
    if (count === -E.EAGAIN) return 0;
    if (count === -E.EPIPE || count === -E.ECONNRESET) return -1;
    if (count !== -E.EINTR) throw new SystemError('write', -count);
  }
}
