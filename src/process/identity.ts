/**
 * Which process one is, and what is known of its end, beyond its number.
 *
 * @module
 */
import { attempt } from '../syscall/call.js';
import { CLD, PIDFD } from '../syscall/constants.js';
import { now, timeOrigin } from '../time.js';
import { entryOf } from './proc.js';

/** Identifies a process for as long as the system runs, even after its pid was given to another. */
export function identify(pid: number, inode: number): string {
  // Before Linux 6.9 a pidfd has no inode of its own, and there may be no pidfd at all: the start
  // time in clock ticks serves.
  return `${pid}:${inode > 0 ? inode : startTime(pid)}`;
}

/** When it was started, in clock ticks since the system was. */
function startTime(pid: number): string {
  // No such file elsewhere, nor of a process that was reaped already.
  const entry = process.platform === 'linux' ? entryOf(pid) : undefined;
  return entry?.started ?? String(momentOfLaunch());
}

let latest = 0;

/** Now, in microseconds since 1970; later than at each call before. */
function momentOfLaunch(): number {
  latest = Math.max(Math.round((timeOrigin + now()) * 1000), latest + 1);
  return latest;
}

/** The inode of a pidfd where it means something, else 0. */
export function inodeOf(pidfd: number): number {
  const PIDFS_MAGIC = 0x5049_4446;
  const statfs = new BigUint64Array(15);
  if (attempt('fstatfs', pidfd, statfs) < 0 || Number(statfs[0]) !== PIDFS_MAGIC) return 0;
  const stat = new BigUint64Array(18);
  return attempt('fstat', pidfd, stat) < 0 ? 0 : Number(stat[1]);
}

/**
 * How a process ended, from its pidfd: a CLD_ code, or 0 while it is not reaped, and the status.
 * Undefined if the kernel cannot tell: before Linux 6.15, and in an emulator.
 */
export function exitInfo(pidfd: number): [how: number, status: number] | undefined {
  const { PIDFD_GET_INFO, PIDFD_INFO_EXIT } = PIDFD;
  const info = new DataView(new ArrayBuffer(72)); // struct pidfd_info
  info.setBigUint64(0, BigInt(PIDFD_INFO_EXIT), true);
  if (attempt('ioctl', pidfd, PIDFD_GET_INFO, info) < 0) return undefined;
  if ((info.getUint32(0, true) & PIDFD_INFO_EXIT) === 0) return [0, 0];
  const code = info.getInt32(60, true);
  const signal = code & 0x7f;
  if (signal === 0) return [CLD.CLD_EXITED, (code >> 8) & 0xff];
  return [(code & 0x80) === 0 ? CLD.CLD_KILLED : CLD.CLD_DUMPED, signal];
}
