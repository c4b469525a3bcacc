/**
 * Limits of processes and of the system, and what was used.
 *
 * @module
 */

import { native } from '../native.js';
import { call } from './call.js';
import { checkInt, outOfRange } from './check.js';
import { E, LAYOUT, SC } from './constants.js';
import { SystemError } from './errors.js';
import { readStruct, writeStruct } from './layout.js';
import { type Rusage, readRusage } from './rusage.js';

/**
 * A limit in the unit of its resource (bytes, seconds, or how many); Infinity is RLIM_INFINITY, no
 * limit. Numbers and not bigints, since they serve as well: one above 2^53 is rounded.
 */
export interface Rlimit {
  /** The soft limit: the one that holds. */
  readonly cur: number;
  /** The hard limit: how far the soft one can be raised. */
  readonly max: number;
}

const RLIM_INFINITY = 2n ** 64n - 1n;

function toNumber(limit: bigint): number {
  return limit === RLIM_INFINITY ? Number.POSITIVE_INFINITY : Number(limit);
}

function toWord(name: string, limit: number): bigint {
  if (limit === Number.POSITIVE_INFINITY) return RLIM_INFINITY;
  if (Number.isInteger(limit) && limit >= 0 && limit < 2 ** 64) return BigInt(limit);
  throw outOfRange(name, limit, 'an integer from 0 on, or Infinity');
}

function encode(limit: Rlimit): Uint8Array {
  const cur = toWord('limit.cur', limit.cur);
  return writeStruct(LAYOUT.rlimit, { cur, max: toWord('limit.max', limit.max) });
}

function decode(bytes: Uint8Array): Rlimit {
  const { cur, max } = readStruct(LAYOUT.rlimit, bytes);
  return { cur: toNumber(cur), max: toNumber(max) };
}

/**
 * A limit of this process.
 *
 * @param resource of `RLIMIT`: RLIMIT_NOFILE
 * @throws SystemError EINVAL.
 * @see getrlimit(2)
 */
export function getrlimit(resource: number): Rlimit {
  const bytes = new Uint8Array(LAYOUT.rlimit.size);
  call('getrlimit', checkInt('resource', resource), bytes);
  return decode(bytes);
}

/**
 * Sets a limit of this process, all its threads, and of processes that it launches from here on.
 *
 * @throws SystemError EPERM to raise the hard limit without CAP_SYS_RESOURCE; EINVAL for a soft
 * limit above the hard one. RangeError for what is no limit.
 * @see setrlimit(2)
 */
export function setrlimit(resource: number, limit: Rlimit): void {
  call('setrlimit', checkInt('resource', resource), encode(limit));
}

/**
 * The limit of any process as it was, after it was set to `limit` if one is given.
 *
 * @param pid 0 is this process.
 * @throws SystemError ESRCH; EPERM for a process of another user; as `setrlimit`.
 * @see prlimit(2)
 */
export function prlimit(pid: number, resource: number, limit?: Rlimit): Rlimit {
  const before = new Uint8Array(LAYOUT.rlimit.size);
  const after = limit === undefined ? null : encode(limit);
  call('prlimit64', checkInt('pid', pid), checkInt('resource', resource), after, before);
  return decode(before);
}

/**
 * What was used.
 *
 * @param who of `RUSAGE`: RUSAGE_SELF, RUSAGE_CHILDREN (those that have ended and were awaited),
 * RUSAGE_THREAD (the calling one).
 * @throws SystemError EINVAL.
 * @see getrusage(2)
 */
export function getrusage(who: number): Rusage {
  const bytes = new Uint8Array(LAYOUT.rusage.size);
  call('getrusage', checkInt('who', who), bytes);
  return readRusage(bytes);
}

let names: Set<number> | undefined;

/**
 * A figure of the system; -1 where there is no limit. The unit depends on the name.
 *
 * @param name of `SC`: _SC_PAGESIZE (bytes), _SC_CLK_TCK (ticks a second), _SC_NPROCESSORS_ONLN
 * @throws SystemError EINVAL for a name that there is not.
 * @see sysconf(3)
 */
export function sysconf(name: number): number {
  names ??= new Set(Object.values(SC) as number[]);
  // The C library says -1 for "no limit" and for "no such name".
  if (!names.has(name)) throw new SystemError('sysconf', E.EINVAL);
  return native.sysconf(name);
}
