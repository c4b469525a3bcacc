/**
 * The bytes of one stream that are kept, and where they are shown meanwhile.
 *
 * @module
 */
import type { MaxBuffer } from './options.js';

export const DEFAULT_MAX_BUFFER: number = 100 * 1024 * 1024;

/** Shows bytes as they come: see the option `stdout`. */
export type Show = (bytes: Buffer) => void;

/** How many bytes of the beginning and of the end are kept. */
function roomOf(limit: MaxBuffer): { head: number; tail: number } {
  if (typeof limit === 'number') return { head: limit, tail: 0 };
  const { bytes, keep } = limit;
  if (keep === 'both') return { head: Math.ceil(bytes / 2), tail: Math.floor(bytes / 2) };
  return keep === 'head' ? { head: bytes, tail: 0 } : { head: 0, tail: bytes };
}

/** The bytes of one stream, up to a limit. */
export class Collected {
  readonly #head: number;
  readonly #tail: number;
  /** Whether there may be more than the limit. */
  readonly #goesOn: boolean;
  readonly #show: Show | undefined;
  readonly #first: Buffer[] = [];
  #last: Buffer[] = [];
  #firstSize = 0;
  #lastSize = 0;
  #size = 0;

  constructor(limit: MaxBuffer, show?: Show) {
    ({ head: this.#head, tail: this.#tail } = roomOf(limit));
    this.#goesOn = typeof limit !== 'number';
    this.#show = show;
  }

  /** False once there are more than a limit that nothing may exceed; those are dropped. */
  keep(bytes: Buffer): boolean {
    this.#show?.(bytes);
    this.#size += bytes.length;
    const room = Math.max(this.#head - this.#firstSize, 0);
    const first = bytes.length > room ? bytes.subarray(0, room) : bytes;
    if (first.length > 0) this.#first.push(first);
    this.#firstSize += first.length;
    if (this.#tail > 0 && first.length < bytes.length) this.#keepLast(bytes.subarray(first.length));
    return this.#goesOn || this.#size <= this.#head;
  }

  /** Lets go of what is before the last bytes, once that is as much again. */
  #keepLast(bytes: Buffer): void {
    this.#last.push(bytes);
    this.#lastSize += bytes.length;
    if (this.#lastSize < 2 * this.#tail) return;
    this.#last = [Buffer.from(this.#end())];
    this.#lastSize = this.#tail;
  }

  #end(): Buffer {
    const all = Buffer.concat(this.#last);
    return all.subarray(Math.max(all.length - this.#tail, 0));
  }

  /** Bytes that were not kept. */
  get omitted(): number {
    return this.#size - this.#firstSize - Math.min(this.#lastSize, this.#tail);
  }

  /** The first bytes that were kept and the last ones, between which some may be missing. */
  get parts(): readonly [first: Buffer, last: Buffer] {
    const first =
      this.#first.length === 1 ? (this.#first[0] as Buffer) : Buffer.concat(this.#first);
    return [first, this.#end()];
  }

  get bytes(): Buffer {
    const [first, last] = this.parts;
    return last.length === 0 ? first : Buffer.concat([first, last]);
  }
}

/** Text without the characters that were cut in two at either end. */
function textOf(bytes: Buffer, isCutBefore: boolean, isCutBehind: boolean): string {
  let [start, end] = [0, bytes.length];
  // A character has up to three bytes behind its first one.
  if (isCutBefore) while (start < Math.min(3, end) && isContinuation(bytes[start])) start += 1;
  if (isCutBehind) {
    let first = end - 1;
    while (first > Math.max(end - 4, start) && isContinuation(bytes[first])) first -= 1;
    if (first >= start && end - first < lengthOf(bytes[first])) end = first;
  }
  return bytes.toString('utf8', start, end);
}

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && byte >> 6 === 2;

/** Bytes of the character that begins with this one. */
function lengthOf(byte = 0): number {
  if (byte >> 5 === 0b110) return 2;
  if (byte >> 4 === 0b1110) return 3;
  return byte >> 3 === 0b11110 ? 4 : 1;
}

/** What was kept as text; a line of its own says how much is missing in the middle. */
export function textFrom(collected: Collected): string {
  const [first, last] = collected.parts;
  const { omitted } = collected;
  const isCut = omitted > 0;
  const [before, behind] = [textOf(first, false, isCut), textOf(last, isCut, false)];
  if (!isCut || before === '' || behind === '') return before + behind;
  return `${before}\n[${omitted} bytes omitted]\n${behind}`;
}
