/**
 * Collecting what a command writes.
 *
 * @module
 */
import type { Channel } from './channel.js';
import type { Collected } from './collected.js';
import { fillsPipe } from './io.js';
import type { Life, Use } from './life.js';

/** Collects a channel to its end. */
export class Capture implements Use {
  readonly collected: Collected;
  readonly #channel: Channel;
  readonly #name: number;
  readonly #life: Life;

  /** `name` is the child's descriptor. */
  constructor(channel: Channel, name: number, collected: Collected, life: Life) {
    this.collected = collected;
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
