/**
 * Values of several attributes: how they are checked, how the kernel takes them, and how the
 * command line writes them.
 *
 * @module
 */
import { invalid } from '../syscall/check.js';

/** An object with no other keys: a misspelt one would leave out what was meant to be restricted. */
export function checkKeys(option: string, value: unknown, keys: readonly string[]): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(option, value, 'an object');
  }
  for (const key of Object.keys(value)) {
    if (keys.includes(key)) continue;
    throw invalid(`${option}.${key}`, value[key as never], `absent: there is ${keys.join(', ')}`);
  }
}

/** Bytes of a struct for `ProgramBuilder.words`. */
export function toWords(bytes: Uint8Array): bigint[] {
  const padded = new Uint8Array((bytes.length + 7) & ~7);
  padded.set(bytes);
  return [...new BigUint64Array(padded.buffer)];
}

/** A number as people write it on a command line; NaN, which no option takes, for anything else. */
export function toNumber(text: string): number {
  return /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
}

/** `1,2`; nothing for an empty text. */
export function toList(text: string): string[] {
  return text === '' ? [] : text.split(',');
}
