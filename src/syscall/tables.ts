/**
 * Constants of other systems than Linux, wherever this runs.
 *
 * Apart from those of the running platform: no macOS has SIGPWR or O_TMPFILE, so one type for all
 * would let every constant be missing on Linux too.
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
