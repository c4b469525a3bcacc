// Structs as the kernel reads and writes them, described by the generated tables of `LAYOUT`.

import { invalid } from './check.js';

/** The type of a field, by its size in bits; pointers are `'u64'`. */
export type IntegerType = 'i8' | 'u8' | 'i16' | 'u16' | 'i32' | 'u32' | 'i64' | 'u64';

/** A field of a struct: its offset in bytes, its type, and for an array the number of elements. */
export type Field =
  | readonly [offset: number, type: IntegerType]
  | readonly [offset: number, type: IntegerType, count: number];

/** A struct of the kernel, for `readStruct` and `writeStruct`. */
export interface Layout {
  /** Size in bytes. */
  readonly size: number;
  /** The fields by name. */
  readonly fields: Readonly<Record<string, Field>>;
}

type Read<T> = T extends 'i64' | 'u64' ? bigint : number;
type Written<T> = T extends 'i64' | 'u64' ? bigint | number : number;

/** The result of `readStruct`: 64-bit fields are bigints, all others numbers. */
export type StructOf<L extends Layout> = L extends Layout
  ? {
      [K in keyof L['fields']]: L['fields'][K] extends readonly [number, infer T, number]
        ? Read<T>[]
        : Read<L['fields'][K][1]>;
    }
  : never;

/** The values that `writeStruct` takes: any of the fields; a 64-bit field may be a safe integer. */
export type StructInput<L extends Layout> = L extends Layout
  ? {
      readonly [K in keyof L['fields']]?: L['fields'][K] extends readonly [number, infer T, number]
        ? readonly Written<T>[]
        : Written<L['fields'][K][1]>;
    }
  : never;

type Value = number | bigint | readonly (number | bigint)[];

// Both architectures are little-endian.
function read(view: DataView, at: number, type: IntegerType): number | bigint {
  switch (type) {
    case 'i8':
      return view.getInt8(at);
    case 'u8':
      return view.getUint8(at);
    case 'i16':
      return view.getInt16(at, true);
    case 'u16':
      return view.getUint16(at, true);
    case 'i32':
      return view.getInt32(at, true);
    case 'u32':
      return view.getUint32(at, true);
    case 'i64':
      return view.getBigInt64(at, true);
    case 'u64':
      return view.getBigUint64(at, true);
  }
}

/** A DataView takes any value and keeps its low bits, which would hide a mistake. */
function checkRange(value: number | bigint, type: IntegerType, name: string): void {
  const fits = type.startsWith('i') ? BigInt.asIntN : BigInt.asUintN;
  const safe = typeof value === 'bigint' || Number.isSafeInteger(value);
  if (!safe || fits(8 * bytesOf(type), BigInt(value)) !== BigInt(value)) {
    throw new RangeError(`${name}: ${value} does not fit in ${type}`);
  }
}

function write(view: DataView, at: number, type: IntegerType, value: number | bigint): void {
  switch (type) {
    case 'i8':
    case 'u8':
      view.setUint8(at, Number(value));
      break;
    case 'i16':
    case 'u16':
      view.setUint16(at, Number(value), true);
      break;
    case 'i32':
    case 'u32':
      view.setUint32(at, Number(value), true);
      break;
    case 'i64':
    case 'u64':
      view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), true);
      break;
  }
}

function bytesOf(type: IntegerType): number {
  return Number(type.slice(1)) / 8;
}

function viewOf(layout: Layout, bytes: Uint8Array): DataView {
  if (typeof layout?.size !== 'number') throw invalid('layout', layout, 'one of LAYOUT');
  if (!ArrayBuffer.isView(bytes)) throw invalid('bytes', bytes, 'a Uint8Array');
  if (bytes.byteLength < layout.size) {
    throw new RangeError(`a struct of ${layout.size} bytes does not fit in ${bytes.byteLength}`);
  }
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Reads the struct at the start of `bytes`. All members of a union are read; the caller knows which
 * one is valid.
 */
export function readStruct<const L extends Layout>(layout: L, bytes: Uint8Array): StructOf<L> {
  const view = viewOf(layout, bytes);
  const struct: Record<string, number | bigint | (number | bigint)[]> = {};
  for (const [name, [offset, type, count]] of Object.entries(layout.fields)) {
    const step = bytesOf(type);
    struct[name] =
      count === undefined
        ? read(view, offset, type)
        : Array.from({ length: count }, (_, index) => read(view, offset + index * step, type));
  }
  return struct as StructOf<L>;
}

/**
 * Writes the given fields to the struct at the start of `bytes`, by default new zeroed bytes of the
 * struct's size, and returns the bytes. Fields that are not given keep their bytes.
 */
export function writeStruct<const L extends Layout>(
  layout: L,
  values: StructInput<L>,
  bytes: Uint8Array = new Uint8Array(layout?.size ?? 0),
): Uint8Array {
  const view = viewOf(layout, bytes);
  if (typeof values !== 'object' || values === null) throw invalid('values', values, 'an object');
  for (const [name, value] of Object.entries(values) as [string, Value | undefined][]) {
    if (value === undefined) continue;
    const field = layout.fields[name];
    if (field === undefined) throw new RangeError(`the struct has no field ${name}`);
    const [offset, type, count] = field;
    const elements = typeof value === 'object' ? value : [value];
    if (elements.length !== (count ?? 1)) {
      throw new RangeError(`${name}: ${elements.length} values instead of ${count ?? 1}`);
    }
    for (const [index, element] of elements.entries()) {
      checkRange(element, type, name);
      write(view, offset + index * bytesOf(type), type, element);
    }
  }
  return bytes;
}
