// Reading and writing the streams of a child.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { patience } from './patience.js';

/** All that comes. */
export async function collect(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export async function text(stream: Readable): Promise<string> {
  return (await collect(stream)).toString('utf8');
}

/** Bytes of which no two stretches are alike, the same for the same size. */
export function pattern(size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, Math.floor(size / 4));
  let word = 1;
  for (let index = 0; index < words.length; index++) {
    word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
    words[index] = word;
  }
  bytes.fill(0x55, words.length * 4);
  return bytes;
}

export function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** What a process does: `'S'` waits, `'T'` is stopped, `'Z'` has ended; '' if it is gone. */
export function processState(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat[stat.lastIndexOf(')') + 2] ?? '';
  } catch {
    return '';
  }
}

/** Returns once it is so; fails after a while. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = Date.now() + patience(20_000);
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`it never came about that ${what}`);
    await sleep(2);
  }
}
