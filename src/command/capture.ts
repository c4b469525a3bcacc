/**
 * Collecting what a command writes.
 *
 * @module
 */
import type { Channel } from './channel.js';
import { fillsPipe } from './io.js';

/** The bytes of one stream, up to a limit. */
export class Collected {
  readonly #limit: number;
  readonly #chunks: Buffer[] = [];
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** False once there are more than the limit, which are dropped. */
  keep(bytes: Buffer): boolean {
    const room = Math.max(this.#limit - this.#size, 0);
    if (room > 0) this.#chunks.push(bytes.length > room ? bytes.subarray(0, room) : bytes);
    this.#size += bytes.length;
    return this.#size <= this.#limit;
  }

  /** Bytes that there were, kept or not. */
  get size(): number {
    return this.#size;
  }

  /** Whether there was more than the limit. */
  get overflown(): boolean {
    return this.#size > this.#limit;
  }

  get bytes(): Buffer {
    return this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
  }
}

/** Collects a channel to its end. */
export class Capture {
  readonly channel: Channel;
  readonly collected: Collected;
  /** Settles at the end of the stream, or when it was cut off. */
  readonly ended: Promise<void>;
  readonly #overflow: () => void;
  #done: () => void = () => {};

  /** `overflow` is called whenever there is more than `limit` bytes. */
  constructor(channel: Channel, limit: number, overflow: () => void) {
    this.collected = new Collected(limit);
    this.channel = channel;
    this.#overflow = overflow;
    this.ended = new Promise((resolve) => {
      this.#done = resolve;
    });
    this.#read();
  }

  /** No more is waited for. */
  cutOff(): void {
    this.channel.cutOff();
  }

  #read(): void {
    for (;;) {
      const bytes = this.channel.read();
      if (bytes === undefined) {
        this.channel.onceReadable(() => this.#read());
        return;
      }
      if (bytes === null) break;
      if (fillsPipe(bytes)) this.channel.grow();
      if (this.collected.keep(bytes)) continue;
      this.#overflow();
      break; // more is of no use, and may never end
    }
    this.channel.close();
    this.#done();
  }
}
