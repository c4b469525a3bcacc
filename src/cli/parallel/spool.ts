/**
 * Output of a job that is printed later: in memory while there is room, else in a file without a name.
 *
 * @module
 */
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Failure } from '../exit.js';

/** Bytes of one spool in memory, and of all together. */
const OWN_MEMORY = 1024 * 1024;
const ALL_MEMORY = 64 * 1024 * 1024;
const PIECE = 256 * 1024;

let used = 0;

/** A file that is gone once it is closed. */
function openUnnamed(): number {
  const folder = mkdtempSync(join(tmpdir(), 'forkexec-parallel-'));
  try {
    return openSync(join(folder, 'output'), 'wx+', 0o600);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What one job wrote to one stream. */
export class Spool {
  #chunks: Uint8Array[] = [];
  #inMemory = 0;
  #fd: number | undefined;
  #inFile = 0;
  /** All bytes that it took. */
  size = 0;

  append(bytes: Uint8Array): void {
    this.size += bytes.length;
    const fits = this.#inMemory + bytes.length <= OWN_MEMORY && used + bytes.length <= ALL_MEMORY;
    if (this.#fd === undefined && fits) {
      this.#chunks.push(bytes);
      this.#inMemory += bytes.length;
      used += bytes.length;
      return;
    }
    try {
      this.#fd ??= openUnnamed();
      for (let at = 0; at < bytes.length; ) {
        const count = writeSync(this.#fd, bytes, at, bytes.length - at, this.#inFile);
        this.#inFile += count;
        at += count;
      }
    } catch (error) {
      throw new Failure(`cannot keep the output of a job: ${(error as Error).message}`);
    }
  }

  /** What it holds, piece by piece; it is empty then. */
  *take(): Generator<Uint8Array> {
    const chunks = this.#chunks;
    this.#chunks = [];
    used -= this.#inMemory;
    this.#inMemory = 0;
    if (chunks.length > 0) yield Buffer.concat(chunks);
    for (let at = 0; this.#fd !== undefined && at < this.#inFile; ) {
      const piece = Buffer.allocUnsafe(Math.min(PIECE, this.#inFile - at));
      const count = readSync(this.#fd, piece, 0, piece.length, at);
      at += count;
      yield piece.subarray(0, count);
    }
    this.drop();
  }

  /** Forgets what it holds. */
  drop(): void {
    used -= this.#inMemory;
    this.#inMemory = 0;
    this.#chunks = [];
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    this.#inFile = 0;
    this.size = 0;
  }
}
