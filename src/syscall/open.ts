/**
 * Opening files for this library's own use.
 *
 * node:fs does not serve, because its descriptors belong to the runtime: Deno keeps a table of
 * them, and an entry that was closed by other means than `fs.close` closes the next file with its
 * number.
 *
 * @module
 */
import { aboveStdio, attemptOpen } from './call.js';
import { AT, E, O, SYS } from './constants.js';
import { SystemError } from './errors.js';
import { openLater } from './raw.js';

/** The descriptor at 3 or above, so that no code takes it for stdio. */
function opened(result: number): number {
  if (result < 0) throw new SystemError('open', -result);
  return aboveStdio(result);
}

/** Opens a file with close-on-exec; `close` closes it. `flags` are those of open(2). */
export function openFileSync(path: string, flags: number, mode = 0o666): number {
  for (;;) {
    const result = attemptOpen('openat', AT.AT_FDCWD, path, flags | O.O_CLOEXEC, mode);
    if (result !== -E.EINTR) return opened(result);
  }
}

/**
 * As `openFileSync`, off the event loop: a FIFO waits for its other end, and a network file system
 * for its server. This library's own pool does it, so that files of other libraries do not wait
 * behind it.
 */
export async function openFile(path: string, flags: number, mode = 0o666): Promise<number> {
  for (;;) {
    const result = await openLater(SYS.openat, AT.AT_FDCWD, path, flags | O.O_CLOEXEC, mode);
    if (result !== -E.EINTR) return opened(result);
  }
}
