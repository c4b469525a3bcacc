/**
 * The words of the command line, byte for byte.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { decodeText } from '../../syscall/text.js';

/**
 * The last `words.length` words that this process was started with, where bytes that are not UTF-8 are
 * kept as `decodeText` has it. A runtime replaces them.
 */
export function exactWords(words: readonly string[]): readonly string[] {
  if (words.length === 0 || !words.some((word) => word.includes('\ufffd'))) return words;
  let line: Buffer;
  try {
    line = readFileSync('/proc/self/cmdline');
  } catch {
    return words;
  }
  const all: string[] = [];
  for (let at = 0; at < line.length; ) {
    const end = line.indexOf(0, at);
    all.push(decodeText(line.subarray(at, end < 0 ? line.length : end)));
    at = end < 0 ? line.length : end + 1;
  }
  const exact = all.slice(-words.length);
  return exact.length === words.length ? exact : words;
}
