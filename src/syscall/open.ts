/**
 * Opening files for this library's own use.
 *
 * Not by node:fs: descriptors from there belong to the runtime. Deno keeps a table of them, and one
 * that was closed by anything but `fs.close` takes the next file of the same number along.
 *
 * @module
 */
import { aboveStdio, attempt } from './call.js';
import { AT, E, O, SYS } from './constants.js';
import { SystemError } from './errors.js';
import { syscallLater } from './raw.js';

/** The number is 3 or above, where nobody takes it for stdio. */
function opened(result: number): number {
  if (result < 0) throw new SystemError('open', -result);
  return aboveStdio(result);
}

/** A descriptor with close-on-exec, for `close` to close. `flags` as for open(2). */
export function openFileSync(path: string, flags: number, mode = 0o666): number {
  for (;;) {
    const result = attempt('openat', AT.AT_FDCWD, path, flags | O.O_CLOEXEC, mode);
    if (result !== -E.EINTR) return opened(result);
  }
}

/**
 * As `openFileSync`, off the event loop: a FIFO waits for its other end, a network for its server,
 * and on a thread of our own pool they keep nobody else's files waiting.
 */
export async function openFile(path: string, flags: number, mode = 0o666): Promise<number> {
  for (;;) {
    const { r1, errno } = await syscallLater(
      SYS.openat,
      AT.AT_FDCWD,
      path,
      flags | O.O_CLOEXEC,
      mode,
    );
    if (errno !== E.EINTR) return opened(errno === 0 ? Number(r1) : -errno);
  }
}
