/**
 * Text that stands for bytes which may not be UTF-8.
 *
 * A byte that is not part of a UTF-8 character is the lone surrogate U+DC80 to U+DCFF of its value, as
 * Python's surrogateescape has it: such a string goes through JSON and back unchanged.
 *
 * @module
 */

/** With `u`, half of a pair does not match. */
const ESCAPED = /[\udc80-\udcff]/u;
const ALL_ESCAPED = /[\udc80-\udcff]+/gu;

/** Whether a text stands for bytes that are not UTF-8. */
export function hasEscapedBytes(text: string): boolean {
  return ESCAPED.test(text);
}

/** The bytes that a text stands for. */
export function encodeText(text: string): Buffer {
  if (!hasEscapedBytes(text)) return Buffer.from(text, 'utf8');
  const parts: Buffer[] = [];
  let from = 0;
  for (const { 0: escaped, index } of text.matchAll(ALL_ESCAPED)) {
    parts.push(Buffer.from(text.slice(from, index), 'utf8'));
    parts.push(Buffer.from(Array.from(escaped, (unit) => unit.charCodeAt(0) & 0xff)));
    from = index + escaped.length;
  }
  parts.push(Buffer.from(text.slice(from), 'utf8'));
  return Buffer.concat(parts);
}

/** How many bytes the UTF-8 character at `at` has; 0 where there is none. */
function characterAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at] as number;
  if (first < 0x80) return 1;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || at + length > bytes.length) return 0;
  for (let index = 1; index < length; index++) {
    if (((bytes[at + index] as number) & 0xc0) !== 0x80) return 0;
  }
  const second = bytes[at + 1] as number;
  const isOverlong = (first === 0xe0 && second < 0xa0) || (first === 0xf0 && second < 0x90);
  const isBeyond = (first === 0xed && second > 0x9f) || (first === 0xf4 && second > 0x8f);
  return isOverlong || isBeyond ? 0 : length;
}

/** The text that stands for some bytes: `encodeText` makes the same bytes of it. */
export function decodeText(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = buffer.toString('utf8');
  if (!text.includes('\ufffd')) return text;
  let result = '';
  let from = 0;
  for (let at = 0; at < buffer.length; ) {
    const length = characterAt(buffer, at);
    if (length > 0) {
      at += length;
      continue;
    }
    result += buffer.toString('utf8', from, at);
    result += String.fromCharCode(0xdc00 + (buffer[at] as number));
    at += 1;
    from = at;
  }
  return result + buffer.toString('utf8', from);
}
