/**
 * Limits of processes and of the system, and resource usage.
 *
 * @module
 */

import { native } from '../native.js';
import { call } from './call.js';
import { checkInt, invalid, outOfRange } from './check.js';
import { E, LAYOUT, SC } from './constants.js';
import { SystemError } from './errors.js';
import { readStruct, writeStruct } from './layout.js';
import { type Rusage, readRusage } from './rusage.js';

/**
 * A limit in the unit of its resource (bytes, seconds or a count). Infinity means no limit:
 * RLIM_INFINITY. A limit above 2^53 is rounded, because it is a number and not a bigint.
 */
export interface Rlimit {
  /** The soft limit, which the kernel enforces. */
  readonly cur: number;
  /** The hard limit, up to which the soft limit can be raised. */
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
  if (typeof limit !== 'object' || limit === null) throw invalid('limit', limit, 'an Rlimit');
  const cur = toWord('limit.cur', limit.cur);
  return writeStruct(LAYOUT.rlimit, { cur, max: toWord('limit.max', limit.max) });
}

function decode(bytes: Uint8Array): Rlimit {
  const { cur, max } = readStruct(LAYOUT.rlimit, bytes);
  return { cur: toNumber(cur), max: toNumber(max) };
}

/**
 * Returns a limit of this process.
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
 * Sets a limit of this process, of all its threads and of the processes that it launches later.
 *
 * @throws SystemError EPERM for a raised hard limit without CAP_SYS_RESOURCE; EINVAL for a soft
 * limit above the hard limit. RangeError for an invalid limit.
 * @see setrlimit(2)
 */
export function setrlimit(resource: number, limit: Rlimit): void {
  call('setrlimit', checkInt('resource', resource), encode(limit));
}

/**
 * Returns the limit of any process, and sets it to `limit` if that is given.
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
 * Returns resource usage.
 *
 * @param who of `RUSAGE`: RUSAGE_SELF, RUSAGE_CHILDREN (children that have ended and were reaped),
 * RUSAGE_THREAD (the calling thread).
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
 * Returns a figure of the system, -1 if there is no limit. The unit depends on the name.
 *
 * @param name of `SC`: _SC_PAGESIZE (bytes), _SC_CLK_TCK (ticks a second), _SC_NPROCESSORS_ONLN
 * @throws SystemError EINVAL for an unknown name.
 * @see sysconf(3)
 */
export function sysconf(name: number): number {
  names ??= new Set(Object.values(SC) as number[]);
  // The C library returns -1 for "no limit" and for "no such name".
  if (!names.has(name)) throw new SystemError('sysconf', E.EINVAL);
  return native.sysconf(name);
}
