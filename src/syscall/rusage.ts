/**
 * Resource usage of processes.
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
   * Peak resident memory, KiB. The kernel starts a child's figure at the peak of the process that
   * launched it.
   */
  readonly maxrss: number;
  /** Shared memory. Always 0 on Linux. */
  readonly ixrss: number;
  /** Data memory. Always 0 on Linux. */
  readonly idrss: number;
  /** Stack memory. Always 0 on Linux. */
  readonly isrss: number;
  /** Page faults served without reading a disk. */
  readonly minflt: number;
  /** Page faults that read a disk. */
  readonly majflt: number;
  /** Number of times swapped out. Always 0 on Linux. */
  readonly nswap: number;
  /** Number of reads of the file system. */
  readonly inblock: number;
  /** Number of writes of the file system. */
  readonly oublock: number;
  /** Messages sent. Always 0 on Linux. */
  readonly msgsnd: number;
  /** Messages received. Always 0 on Linux. */
  readonly msgrcv: number;
  /** Signals received. Always 0 on Linux. */
  readonly nsignals: number;
  /** Voluntary context switches: the process waited for something. */
  readonly nvcsw: number;
  /** Involuntary context switches: another process got the processor. */
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
