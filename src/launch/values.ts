/**
 * Values of several attributes: how they are checked, how the kernel takes them, and how the
 * command line writes them.
 *
 * @module
 */
import { invalid } from '../syscall/check.js';
import { nearest } from './near-miss.js';
import { OTHER_NAMES } from './other-names.js';

/**
 * An object with no other keys: a misspelt one would leave out what was meant to be restricted.
 *
 * @param option Its name; empty for the options themselves.
 */
export function checkKeys(option: string, value: unknown, keys: readonly string[]): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(option || 'options', value, 'an object');
  }
  for (const [key, given] of Object.entries(value)) {
    if (given === undefined || keys.includes(key)) continue;
    const path = option === '' ? '' : `${option}.`;
    const meant = nearest(key, keys);
    let known = option === '' ? 'there is no such option' : `there is ${keys.join(', ')}`;
    if (meant !== undefined) known = `perhaps '${path}${meant}' is meant`;
    const here = option === '' ? OTHER_NAMES.get(key) : undefined;
    if (here !== undefined) known = `here it is ${here}`;
    throw invalid(`${path}${key}`, given, `absent: ${known}`);
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
