/**
 * What a program file says of itself: elf(5). The least significant byte comes first in all that is read here.
 *
 * @module
 */
import { closeSync, openSync, readSync } from 'node:fs';

/** A piece of a file that is loaded, or says how. */
export interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

export const PT_LOAD = 1;
export const PT_DYNAMIC = 2;
export const PT_INTERP = 3;

/** As many bytes as the header has, with 64 bits; with 32 it is shorter. */
export const HEAD_BYTES = 64;

/** Bytes of program headers, of which execve(2) takes no more. */
const MOST_HEADERS = 65_536;

/** Part of a file; empty if it can't be read. */
export function readPart(path: string, position: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  try {
    const fd = openSync(path, 'r');
    try {
      return bytes.subarray(0, readSync(fd, bytes, 0, size, position));
    } finally {
      closeSync(fd);
    }
  } catch {
    return Buffer.alloc(0);
  }
}

export const isElf = (head: Buffer): boolean => head.toString('latin1', 0, 4) === '\x7fELF';

/** Whether a file that is ELF has 64 bits. */
export const isWide = (head: Buffer): boolean => head[4] === 2;

/** The program headers of a file that begins with `head`; none if it is no such file. */
export function segmentsOf(path: string, head: Buffer): Segment[] {
  if (!isElf(head) || head.length < HEAD_BYTES || head[5] !== 1) return [];
  const wide = isWide(head);
  const start = wide ? Number(head.readBigUInt64LE(32)) : head.readUInt32LE(28);
  const size = head.readUInt16LE(wide ? 54 : 42);
  const length = size * head.readUInt16LE(wide ? 56 : 44);
  const headers = readPart(path, start, Math.min(length, MOST_HEADERS));
  const segments: Segment[] = [];
  for (let at = 0; size >= (wide ? 56 : 32) && at + size <= headers.length; at += size) {
    const word = (wideAt: number, narrowAt: number): number =>
      wide ? Number(headers.readBigUInt64LE(at + wideAt)) : headers.readUInt32LE(at + narrowAt);
    segments.push({
      type: headers.readUInt32LE(at),
      offset: word(8, 4),
      address: word(16, 8),
      size: word(32, 16),
    });
  }
  return segments;
}
