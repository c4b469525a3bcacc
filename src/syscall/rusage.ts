/**
 * What processes used.
 *
 * @module
 */
import { LAYOUT } from './constants.js';
import { readStruct } from './layout.js';

/** The sixteen figures of getrusage(2), by its names without `ru_`. */
export interface Rusage {
  /** Processor time in user mode, microseconds. */
  readonly utime: number;
  /** Processor time in the kernel, microseconds. */
  readonly stime: number;
  /**
   * The most memory that was resident, KiB. Of a child the kernel starts counting at the peak of
   * the process that launched it.
   */
  readonly maxrss: number;
  /** Shared memory. Linux keeps it 0. */
  readonly ixrss: number;
  /** Data memory. Linux keeps it 0. */
  readonly idrss: number;
  /** Stack memory. Linux keeps it 0. */
  readonly isrss: number;
  /** Page faults served without reading a disk. */
  readonly minflt: number;
  /** Page faults that read a disk. */
  readonly majflt: number;
  /** Times it was swapped out. Linux keeps it 0. */
  readonly nswap: number;
  /** Times the file system had to read. */
  readonly inblock: number;
  /** Times the file system had to write. */
  readonly oublock: number;
  /** Messages sent. Linux keeps it 0. */
  readonly msgsnd: number;
  /** Messages received. Linux keeps it 0. */
  readonly msgrcv: number;
  /** Signals received. Linux keeps it 0. */
  readonly nsignals: number;
  /** Times it waited for something. */
  readonly nvcsw: number;
  /** Times another process had its turn. */
  readonly nivcsw: number;
}

function microseconds(seconds: bigint, microseconds: bigint): number {
  return Number(seconds * 1_000_000n + microseconds);
}

/** Reads a `struct rusage`. */
export function readRusage(bytes: Uint8Array): Rusage {
  const usage = readStruct(LAYOUT.rusage, bytes);
  return {
    utime: microseconds(usage.utime_sec, usage.utime_usec),
    stime: microseconds(usage.stime_sec, usage.stime_usec),
    maxrss: Number(usage.maxrss),
    ixrss: Number(usage.ixrss),
    idrss: Number(usage.idrss),
    isrss: Number(usage.isrss),
    minflt: Number(usage.minflt),
    majflt: Number(usage.majflt),
    nswap: Number(usage.nswap),
    inblock: Number(usage.inblock),
    oublock: Number(usage.oublock),
    msgsnd: Number(usage.msgsnd),
    msgrcv: Number(usage.msgrcv),
    nsignals: Number(usage.nsignals),
    nvcsw: Number(usage.nvcsw),
    nivcsw: Number(usage.nivcsw),
  };
}
