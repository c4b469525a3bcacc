/**
 * Collecting what a command writes.
 *
 * @module
 */
import type { Channel } from './channel.js';
import { fillsPipe } from './io.js';
import type { Life, Use } from './life.js';

export const DEFAULT_MAX_BUFFER: number = 100 * 1024 * 1024;

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
    const room = this.#limit - this.#size;
    if (room > 0) this.#chunks.push(bytes.length > room ? bytes.subarray(0, room) : bytes);
    this.#size += bytes.length;
    return this.#size <= this.#limit;
  }

  get bytes(): Buffer {
    return this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
  }
}

/** Collects a channel to its end. */
export class Capture implements Use {
  readonly collected: Collected;
  readonly #channel: Channel;
  readonly #name: number;
  readonly #life: Life;

  /** `name` is the child's descriptor. */
  constructor(channel: Channel, name: number, limit: number, life: Life) {
    this.collected = new Collected(limit);
    this.#channel = channel;
    this.#name = name;
    this.#life = life;
    life.open(name, this);
    this.#read();
  }

  get fd(): number {
    return this.#channel.fd;
  }

  get held(): boolean {
    return this.#channel.held;
  }

  settle(): void {
    this.#read();
  }

  cutOff(): void {
    this.#channel.cutOff();
    this.#read();
  }

  /** Takes what is there, and comes back when there is more. */
  #read(): void {
    for (;;) {
      const bytes = this.#channel.read();
      if (bytes === undefined) {
        this.#channel.onceReadable(() => this.#read());
        return;
      }
      if (bytes === null) break;
      if (fillsPipe(bytes)) this.#channel.grow();
      if (this.collected.keep(bytes)) continue;
      this.#life.blame('maxBuffer');
      break; // more is of no use, and may never end
    }
    this.#channel.close();
    this.#life.over(this.#name);
  }
}
