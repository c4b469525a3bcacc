/**
 * What programs print on a terminal, as a stream.
 *
 * @module
 */
import { Readable } from 'node:stream';
import { type Channel, MOST_TAKEN } from '../command/channel.js';
import { setImmediate, setTimeout } from '../time.js';
import { MOST_HELD, readAll } from './read.js';

/** What the kernel gives at once of a program that prints more than that. */
const PAGE = 4095;

/** Turns of the event loop that a reader is given to take what is in the stream. */
const MOST_TURNS = 100;

/** The output of a terminal: what the watcher reads of the master, for one who reads the stream. */
export class Output {
  readonly stream: Readable;
  readonly #master: number;
  readonly #channel: Channel;
  readonly #close: () => void;
  #isOpen = true;
  /** How much came last. */
  #last = 0;
  /** The stream waits for more. */
  #waits = false;

  /** `close` is called when no program has the terminal open any more, and when the stream is destroyed. */
  constructor(master: number, channel: Channel, close: () => void) {
    this.#master = master;
    this.#channel = channel;
    this.#close = close;
    this.stream = new Readable({
      highWaterMark: 64 * 1024,
      read: () => this.#read(),
      destroy: (error, done) => {
        close();
        done(error);
      },
    });
  }

  /** Puts all that was printed until now into the stream, whether it is read or not. */
  drain(): void {
    this.#takeAll();
    // The watcher reads on once something is taken.
    if (this.#waits) this.#pull();
  }

  /** As `drain`, and ends the stream: the terminal is about to be closed. */
  end(): void {
    try {
      this.#takeAll();
    } catch {
      // what can't be read must not keep the terminal open
    }
    this.#isOpen = false;
    this.stream.push(null);
  }

  /** Resolves once a reader that flows has had all that is in the stream. */
  async flowed(): Promise<void> {
    const { stream } = this;
    for (let turn = 0; turn < MOST_TURNS; turn++) {
      if (!stream.readableFlowing || stream.readableLength === 0) return;
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /**
   * What the watcher has is first; then it reads no more, and this thread does. The kernel's read
   * waits for what is still on its way between the two sides.
   */
  #takeAll(): void {
    for (let isLeft = true; isLeft && this.#isOpen; ) {
      const bytes = this.#channel.take(true);
      isLeft = bytes instanceof Uint8Array;
      if (isLeft) this.stream.push(bytes);
    }
    for (let room = MOST_HELD; room > 0 && this.#isOpen; ) {
      const bytes = readAll(this.#master);
      if (bytes === null || bytes.length === 0) return;
      room -= bytes.length;
      this.stream.push(bytes);
    }
  }

  /**
   * A program that prints much is not answered at once: the watcher goes on reading meanwhile, and a
   * turn of the event loop takes many times the 4 KB that the kernel gives.
   */
  #read(): void {
    if (this.#last < PAGE) this.#pull();
    else if (this.#last < MOST_TAKEN) setTimeout(() => this.#pull(), 1);
    else setImmediate(() => this.#pull());
    this.#last = 0;
  }

  #pull(): void {
    if (!this.#isOpen) return;
    try {
      const bytes = this.#channel.take();
      this.#waits = bytes === undefined;
      this.#last = bytes?.length ?? 0;
      if (bytes === null) this.#close();
      else if (bytes === undefined) this.#channel.onceReadable(() => this.#pull());
      else this.stream.push(bytes);
    } catch (error) {
      this.#isOpen = false;
      this.stream.destroy(error as Error);
    }
  }
}
