/**
 * The call that a traced thread has stopped at, and the memory that it points to.
 *
 * @module
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

/** A system call that has not been made yet. */
export interface StoppedCall {
  readonly number: number;
  readonly args: readonly bigint[];
}

/** From proc_pid_syscall(5); undefined for a thread that has ended or is not to be looked at. */
export function callOf(thread: number): StoppedCall | undefined {
  try {
    const [number, ...args] = readFileSync(`/proc/${thread}/syscall`, 'latin1').trim().split(' ');
    if (number === undefined || !/^\d+$/.test(number)) return undefined;
    return { number: Number(number), args: args.slice(0, 6).map(BigInt) };
  } catch {
    return undefined;
  }
}

/** An argument that the kernel takes as `int`. */
export function int(argument: bigint | undefined): number {
  return Number(BigInt.asIntN(32, argument ?? 0n));
}

const PAGE = 4096n;
const PATH_MAX = 4096;

/** Memory of a thread's process: fewer bytes where not all of them are there. */
export function bytesAt(thread: number, address: bigint, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let count = 0;
  try {
    const fd = openSync(`/proc/${thread}/mem`, 'r');
    try {
      // Page by page: of a read that goes on into a page that is not there nothing may be left.
      while (count < length) {
        const from = address + BigInt(count);
        const most = Math.min(length - count, Number(PAGE - (from % PAGE)));
        const read = readSync(fd, bytes, count, most, from);
        if (read === 0) break;
        count += read;
      }
    } finally {
      closeSync(fd);
    }
  } catch {
    // ended, or an address that is not mapped: the kernel will say so to the program
  }
  return bytes.subarray(0, count);
}

/** A path; undefined for a null pointer or one without an end. */
export function pathAt(thread: number, address: bigint): string | undefined {
  if (address === 0n) return undefined;
  for (const length of [256, PATH_MAX]) {
    const bytes = bytesAt(thread, address, length);
    const end = bytes.indexOf(0);
    if (end >= 0) return bytes.toString('utf8', 0, end);
  }
  return undefined;
}
