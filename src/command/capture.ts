/**
 * Collecting what a command writes.
 *
 * @module
 */
import { SystemError } from '../syscall/errors.js';
import type { Channel } from './channel.js';
import type { Collected } from './collected.js';
import { fillsPipe } from './io.js';
import type { Life, Use } from './life.js';

/** What is collected from: a channel, or what stands for one. */
export type Pipe = Pick<
  Channel,
  'fd' | 'held' | 'closed' | 'read' | 'onceReadable' | 'grow' | 'cutOff' | 'close'
>;

/** Collects a pipe to its end. */
export class Capture implements Use {
  readonly collected: Collected;
  /** Why no more could be read. */
  error: SystemError | undefined;
  readonly #pipe: Pipe;
  readonly #name: number;
  readonly #life: Life;
  #hasEnded = false;

  /** `name` is the child's descriptor. */
  constructor(pipe: Pipe, name: number, collected: Collected, life: Life) {
    this.collected = collected;
    this.#pipe = pipe;
    this.#name = name;
    this.#life = life;
    life.open(name, this);
    this.#read();
  }

  get fd(): number {
    return this.#pipe.fd;
  }

  get held(): boolean {
    return this.#pipe.held;
  }

  settle(): void {
    this.#hasEnded = true;
    this.#read();
  }

  cutOff(): void {
    this.#pipe.cutOff();
    this.#read();
  }

  /** Takes what is there, and comes back when there is more. */
  #read(): void {
    for (;;) {
      const bytes = this.#readSome();
      if (bytes === undefined) {
        this.#pipe.onceReadable(() => this.#read(), !this.#hasEnded);
        return;
      }
      if (bytes === null) break;
      if (fillsPipe(bytes)) this.#pipe.grow();
      if (this.collected.keep(bytes)) continue;
      this.#life.blame('maxBuffer');
      break; // more is of no use, and may never end
    }
    this.#pipe.close();
    this.#life.over(this.#name);
  }

  /** The event loop called: there is no caller who could catch an error now, so it is told with the result. */
  #readSome(): Buffer | undefined | null {
    try {
      return this.#pipe.read();
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      this.error = error;
      return null;
    }
  }
}
