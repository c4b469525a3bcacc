/**
 * Messages over a pair of pipes: frames out, frames in, and a heartbeat.
 *
 * @module
 */
import type { Channel } from '../command/channel.js';
import { setImmediate } from '../time.js';
import { decode, encode, GREETING, LONGEST_FRAME, type Message } from './protocol.js';

/** How much may come before the greeting of an agent. */
const LONGEST_PREFACE = 64 * 1024;

/** Small frames are joined up to this size. */
const JOIN = 64 * 1024;

export interface LinkEvents {
  message(message: Message): void;
  /** The other side has gone, or does not keep to the protocol. */
  ended(problem?: string): void;
}

/** The first bytes of something that is not an agent, for a message. */
export function shownBytes(bytes: Uint8Array): string {
  return JSON.stringify(Buffer.from(bytes.subarray(0, 200)).toString('latin1'));
}

/** One side of a connection. */
export class Link {
  readonly #reader: Pick<Channel, 'read' | 'onceReadable' | 'close'>;
  readonly #writer: Pick<Channel, 'write' | 'onceWritable' | 'close'>;
  readonly #events: LinkEvents;
  /** Frames that were not written yet. */
  #outgoing: Uint8Array[] = [];
  #flushing = false;
  #blocked = false;
  /** Bytes that are no whole frame yet. */
  #incoming: Buffer[] = [];
  #size = 0;
  #ended = false;
  /** Before the greeting of an agent, whatever its machine prints. */
  #greeted: boolean;
  /** Whether anything came since it was last asked. */
  heard = false;
  /** Whether anything was sent since it was last asked. */
  spoke = false;

  /** With `isAgent` this is the side that greets. */
  constructor(
    reader: Pick<Channel, 'read' | 'onceReadable' | 'close'>,
    writer: Pick<Channel, 'write' | 'onceWritable' | 'close'>,
    isAgent: boolean,
    events: LinkEvents,
  ) {
    this.#reader = reader;
    this.#writer = writer;
    this.#events = events;
    this.#greeted = isAgent;
    if (isAgent) this.#outgoing.push(GREETING);
  }

  /** Begins to read and write. */
  open(): void {
    this.#flushSoon();
    this.#read();
  }

  /** What came before the greeting. */
  get preface(): Uint8Array {
    return this.#greeted ? new Uint8Array() : Buffer.concat(this.#incoming);
  }

  send(message: Message): void {
    if (this.#ended) return;
    this.#outgoing.push(...encode(message));
    this.spoke = true;
    this.#flushSoon();
  }

  /** Whether everything that was sent is in the pipe. */
  get isFlushed(): boolean {
    return this.#outgoing.length === 0;
  }

  close(): void {
    this.#ended = true;
    this.#reader.close();
    this.#writer.close();
  }

  /** Reads what there is now; a late timer is no proof of silence. */
  poll(): void {
    this.#read();
  }

  #end(problem?: string): void {
    if (this.#ended) return;
    this.close();
    this.#events.ended(problem);
  }

  /** All of one turn goes out together. */
  #flushSoon(): void {
    if (this.#flushing || this.#blocked) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    this.#blocked = false;
    while (this.#outgoing.length > 0 && !this.#ended) {
      const bytes = this.#next();
      let count: number;
      try {
        count = this.#writer.write(bytes);
      } catch {
        count = -1;
      }
      if (count < 0) {
        // What the other side wrote before it went is still to be read.
        this.#outgoing = [];
        return;
      }
      if (count === bytes.length) continue;
      this.#outgoing.unshift(bytes.subarray(count));
      this.#blocked = true;
      this.#writer.onceWritable(() => this.#flush());
      return;
    }
  }

  /** The next bytes to write, of several small frames at once. */
  #next(): Uint8Array {
    let size = 0;
    let count = 0;
    for (const each of this.#outgoing) {
      if (count > 0 && size + each.length > JOIN) break;
      size += each.length;
      count += 1;
    }
    const taken = this.#outgoing.splice(0, count);
    return count === 1 ? (taken[0] as Uint8Array) : Buffer.concat(taken, size);
  }

  #read(): void {
    while (!this.#ended) {
      let bytes: Buffer | undefined | null;
      try {
        bytes = this.#reader.read();
      } catch {
        bytes = null;
      }
      if (bytes === undefined) {
        this.#reader.onceReadable(() => this.#read());
        return;
      }
      if (bytes === null) {
        this.#end(this.#greeted ? undefined : this.#prefaceProblem());
        return;
      }
      this.heard = true;
      this.#incoming.push(bytes);
      this.#size += bytes.length;
      if (this.#greeted || this.#greet()) this.#parse();
    }
  }

  #prefaceProblem(): string | undefined {
    const bytes = this.preface;
    return bytes.length === 0 ? undefined : `it printed ${shownBytes(bytes)} and no agent answered`;
  }

  /** Whether the greeting has come. */
  #greet(): boolean {
    const all = Buffer.concat(this.#incoming);
    const at = all.indexOf(GREETING);
    if (at < 0) {
      this.#incoming = [all];
      if (all.length > LONGEST_PREFACE) this.#end(this.#prefaceProblem());
      return false;
    }
    this.#greeted = true;
    this.#incoming = [all.subarray(at + GREETING.length)];
    this.#size = all.length - at - GREETING.length;
    return true;
  }

  /** Takes the whole frames out of what has come. */
  #parse(): void {
    while (this.#size >= 4 && !this.#ended) {
      if ((this.#incoming[0] as Buffer).length < 4) this.#join();
      const length = (this.#incoming[0] as Buffer).readUInt32LE(0);
      if (length < 9 || length > LONGEST_FRAME) {
        this.#end(`it sent a frame of ${length} bytes`);
        return;
      }
      if (this.#size < 4 + length) return;
      if ((this.#incoming[0] as Buffer).length < 4 + length) this.#join();
      const first = this.#incoming[0] as Buffer;
      const frame = first.subarray(4, 4 + length);
      this.#size -= 4 + length;
      if (first.length > 4 + length) this.#incoming[0] = first.subarray(4 + length);
      else this.#incoming.shift();
      this.#take(frame);
    }
  }

  #join(): void {
    this.#incoming = [Buffer.concat(this.#incoming)];
  }

  #take(frame: Buffer): void {
    let message: Message;
    try {
      message = decode(frame);
    } catch (error) {
      this.#end(`it sent a frame that is not a message: ${(error as Error).message}`);
      return;
    }
    this.#events.message(message);
  }
}
