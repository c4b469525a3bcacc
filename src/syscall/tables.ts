/**
 * Constants of the systems this package does not run on yet.
 *
 * Apart from those of the running platform: no macOS has SIGPWR or O_TMPFILE, so one type for all
 * would let every constant be missing on Linux too. And commands have no use for these: nothing but
 * the entry point `forkexec/syscall` loads them.
 *
 * @module
 */
import * as darwin from './darwin.js';
import * as freebsd from './freebsd.js';

/** By `process.platform`: the groups that the running platform has too, as far as they exist there. */
export const tables: { readonly darwin: typeof darwin; readonly freebsd: typeof freebsd } = {
  darwin,
  freebsd,
};
