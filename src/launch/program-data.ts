/**
 * The data of a launch program: strings, tables, structs and slots, as bytes.
 *
 * It is written into scratch memory that is used again for the next program.
 *
 * @module
 */
import { native } from '../native.js';
import { PROGRAM } from '../protocol.js';
import { outOfRange } from '../syscall/check.js';
import { encodeText, hasEscapedBytes } from '../syscall/text.js';

/** Where something lies in the program's data. */
export class Address {
  readonly offset: number;
  constructor(offset: number) {
    this.offset = offset;
  }
}

/** 64 bits in the data that one instruction writes and a later one reads. */
export class Slot extends Address {}

let data = Buffer.alloc(32 * 1024);

/** Writes the bytes that a text stands for, and returns their number. */
function write(text: string, at: number): number {
  return hasEscapedBytes(text) ? encodeText(text).copy(data, at) : data.write(text, at);
}
const copied = new Int32Array(2);

const NO_NAMES = new Uint8Array();
let lastNames = '';
let lastBytes: Uint8Array = NO_NAMES;

/** Names with a NUL each; most launches leave out the same. */
function encodeNames(names: readonly string[]): Uint8Array {
  if (names.length === 0) return NO_NAMES;
  const text = `${names.join('\0')}\0`;
  if (text !== lastNames) [lastNames, lastBytes] = [text, encodeText(text)];
  return lastBytes;
}

/** Throws for too much of something that no single option is to blame for. */
export function checkSize(what: string, count: number, most: number): void {
  if (count > most) throw outOfRange(`the number of ${what}`, count, `at most ${most}`);
}

/** Programs are complete before the next begins: they share the scratch memory. */
export class ProgramData {
  /** Where pointers go, where their strings begin, how many, 0; for each table. */
  protected readonly tables: number[] = [];
  /** A slot and where it is to point. */
  protected readonly relocations: number[] = [];
  #size = 0;

  /** A string with its NUL. */
  string(text: string): Address {
    // Three bytes are the most that UTF-8 takes for one UTF-16 unit.
    const at = this.#reserve(text.length * 3 + 1, 1);
    const length = write(text, at);
    data[at + length] = 0;
    this.#size = at + length + 1;
    return new Address(at);
  }

  /** `char *[]`, ended by NULL. The strings hold no NUL. */
  strings(list: readonly string[], encoding: 'utf8' | 'latin1' = 'utf8'): Address {
    const joined = list.length === 0 ? '' : `${list.join('\0')}\0`;
    const at = this.#reserve(joined.length * 3, 1);
    this.#size = at + (encoding === 'utf8' ? write(joined, at) : data.write(joined, at, encoding));
    return this.#table(at, list.length);
  }

  /**
   * `char *[]` of the environment that the C library has, byte for byte, without the variables of
   * some names and with others. The main thread of Node and Deno only.
   */
  inheritedEnvironment(without: readonly string[], added: readonly string[]): Address {
    const names = encodeNames(without);
    let at = this.#reserve(4096, 1);
    while (!native.copyEnvironment(data, at, copied, names)) {
      at = this.#reserve(copied[0] as number, 1);
    }
    this.#size = at + (copied[0] as number);
    let joined = '';
    for (const text of added) joined += `${text}\0`;
    const end = this.#reserve(joined.length * 3, 1);
    this.#size = end + write(joined, end);
    return this.#table(at, (copied[1] as number) + added.length);
  }

  /**
   * 64-bit words: structs and sets as the kernel takes them. An Address becomes a pointer before the
   * child is born.
   */
  words(values: readonly (bigint | Address)[]): Address {
    const at = this.#reserve(values.length * 8, 8);
    for (const [index, value] of values.entries()) {
      const slot = at + index * 8;
      if (typeof value !== 'bigint') this.relocations.push(slot, value.offset);
      data.writeBigUInt64LE(typeof value === 'bigint' ? BigInt.asUintN(64, value) : 0n, slot);
    }
    this.#size = at + values.length * 8;
    return new Address(at);
  }

  /** Bytes, at a multiple of 8. */
  bytes(content: Uint8Array): Address {
    const at = this.#reserve(content.length, 8);
    data.set(content, at);
    this.#size = at + content.length;
    return new Address(at);
  }

  /** Begins with the data of another program; nothing was written yet. */
  protected beginData(
    bytes: Uint8Array,
    tables: readonly number[],
    relocations: readonly number[],
  ): void {
    this.#size = this.#reserve(bytes.length, 8) + bytes.length;
    data.set(bytes);
    for (const word of tables) this.tables.push(word);
    for (const word of relocations) this.relocations.push(word);
  }

  /** Where the next data begins that is put at a multiple of 8. */
  protected alignedEnd(): number {
    return this.#reserve(0, 8);
  }

  /** A copy of the data from `start` on. */
  protected dataFrom(start: number): Uint8Array {
    return Uint8Array.from(data.subarray(start, this.#size));
  }

  /** Whether the data has pointers. */
  protected get pointers(): number {
    return this.relocations.length + this.tables.length;
  }

  slot(): Slot {
    return new Slot(this.words([0n]).offset);
  }

  /** What was written, padded to 8 bytes; valid until the next program. */
  protected finishData(): Uint8Array {
    const size = (this.#size + 7) & ~7;
    this.#checkSize(size);
    data.fill(0, this.#size, size);
    return data.subarray(0, size);
  }

  #checkSize(size: number): void {
    checkSize('bytes of arguments and environment', size, PROGRAM.mostData);
  }

  /** The pointers to `count` strings that lie from `at` on. */
  #table(at: number, count: number): Address {
    const size = (count + 1) * 8;
    const pointers = this.#reserve(size, 8);
    this.#size = pointers + size;
    this.tables.push(pointers, at, count, 0);
    return new Address(pointers);
  }

  /** Room for `size` bytes at a multiple of `alignment`; returns where. */
  #reserve(size: number, alignment: number): number {
    const at = (this.#size + alignment - 1) & ~(alignment - 1);
    this.#checkSize(at); // not of the room, which is more than is written
    if (at + size + 8 > data.length) {
      const larger = Buffer.alloc((at + size + 8) * 2);
      data.copy(larger, 0, 0, this.#size);
      data = larger;
    }
    if (at > this.#size) data.fill(0, this.#size, at);
    return at;
  }
}
