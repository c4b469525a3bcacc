/**
 * Constants of macOS and FreeBSD, available on every system.
 *
 * They are apart from the constants of the running platform, because macOS lacks SIGPWR or
 * O_TMPFILE: with one type for all systems every constant could be missing on Linux too.
 *
 * @module
 */
import * as darwin from './darwin.js';
import * as freebsd from './freebsd.js';

/** The groups of constants by `process.platform`, without those that the system lacks. */
export const tables: { readonly darwin: typeof darwin; readonly freebsd: typeof freebsd } = {
  darwin,
  freebsd,
};
