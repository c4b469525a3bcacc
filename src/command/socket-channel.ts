/**
 * Messages with descriptors that go when there is room, and are told of when they come.
 *
 * @module
 */
import { setNonblocking } from '../syscall/call.js';
import { checkInteger, invalid } from '../syscall/check.js';
import { E } from '../syscall/constants.js';
import { SystemError } from '../syscall/errors.js';
import { receiveMessage, sendMessage } from '../syscall/sockets.js';
import { Channel } from './channel.js';

/** Bytes and the descriptors that came with them. */
export interface SocketMessage {
  /** At least one, but for a message without bytes that descriptors came with. */
  readonly bytes: Buffer;
  /** New descriptors with close-on-exec, the receiver's to close. */
  readonly fds: readonly number[];
}

const READ_SIZE = 64 * 1024;

interface Waiting {
  bytes: Uint8Array;
  /** Gone once the first byte was taken. */
  fds: readonly number[];
}

/**
 * A local socket with the event loop: what cannot be sent yet waits in a queue, and messages are
 * received one after another. A stream has no boundaries between messages: its bytes come in pieces,
 * and descriptors come with the piece that has the first byte they were sent with.
 */
export class SocketChannel implements Disposable {
  readonly #channel: Channel;
  readonly #fd: number;
  readonly #queue: Waiting[] = [];
  #receiver: ((message: SocketMessage | undefined) => void) | undefined;
  #onDrain: (() => void) | undefined;
  #failure: Error | undefined;

  /**
   * Takes over a socket, which is nonblocking from then on, for all copies of its descriptor.
   *
   * @throws SystemError EBADF, ENOTSOCK.
   */
  constructor(fd: number) {
    this.#fd = checkInteger('fd', fd, 0, 2 ** 31 - 1);
    setNonblocking(fd);
    this.#channel = new Channel(fd);
  }

  /** How many bytes wait until there is room. */
  get waiting(): number {
    return this.#queue.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  /** Whether it was closed on this side. */
  get closed(): boolean {
    return this.#channel.closed;
  }

  /**
   * Sends at once, or as soon as there is room. `fds` have to stay open until then. Returns whether
   * nothing waits: otherwise the sender may stop until `drained`.
   *
   * @throws SystemError EPIPE or ECONNRESET when the other side is closed, EBADF for `fds`, EMSGSIZE;
   * the error of what waited before. TypeError after `close`.
   */
  send(bytes: Uint8Array, fds: readonly number[] = []): boolean {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.closed) throw invalid('channel', 'closed', 'open');
    if (!(bytes instanceof Uint8Array)) throw invalid('bytes', bytes, 'a Uint8Array');
    if (bytes.length === 0) throw invalid('bytes', bytes, 'at least one byte');
    const entry = { bytes, fds };
    if (this.#queue.length === 0 && this.#sendNow(entry)) return true;
    this.#queue.push(entry);
    if (this.#queue.length === 1) this.#channel.onceWritable(() => this.#flush());
    return false;
  }

  /** Resolves once nothing waits. Rejects with the error of what could not be sent. */
  drained(): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        if (this.#failure === undefined) resolve();
        else reject(this.#failure);
      };
      const { length } = this.#queue;
      if (length === 0 || this.#failure !== undefined) settle();
      else this.#onDrain = chain(this.#onDrain, settle);
    });
  }

  /** The next message; undefined at the end. One caller at a time. */
  receive(): Promise<SocketMessage | undefined> {
    if (this.#receiver !== undefined) throw invalid('receive', 'waiting', 'called once at a time');
    return new Promise((resolve, reject) => {
      const look = (): void => {
        this.#receiver = undefined;
        let message: SocketMessage | undefined | null;
        try {
          message = this.closed ? undefined : this.#receiveNow();
        } catch (error) {
          reject(error);
          return;
        }
        if (message !== null) {
          resolve(message);
          return;
        }
        this.#receiver = resolve;
        this.#channel.onceReadable(look);
      };
      look();
    });
  }

  /** The messages until the end. */
  async *[Symbol.asyncIterator](): AsyncGenerator<SocketMessage, void, undefined> {
    for (let next = await this.receive(); next !== undefined; next = await this.receive()) {
      yield next;
    }
  }

  /** Waiting for messages and room keeps the event loop alive, as it does by default. */
  ref(): void {
    this.#channel.reference(true);
  }

  /** The event loop does not wait for messages and room. */
  unref(): void {
    this.#channel.reference(false);
  }

  /** Closes the socket. What waits is not sent; a receiver gets the end. */
  close(): void {
    this.#channel.close();
    this.#queue.length = 0;
    this.#receiver?.(undefined);
    this.#onDrain?.();
  }

  /** As `close`. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** Whether all of it is gone. */
  #sendNow(entry: Waiting): boolean {
    try {
      const sent = sendMessage(this.#fd, entry.bytes, entry.fds);
      entry.bytes = entry.bytes.subarray(sent);
      entry.fds = [];
    } catch (error) {
      if (!isAgain(error)) throw error;
    }
    return entry.bytes.length === 0;
  }

  #flush(): void {
    try {
      for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
        if (!this.#sendNow(next)) {
          this.#channel.onceWritable(() => this.#flush());
          return;
        }
        this.#queue.shift();
      }
    } catch (error) {
      this.#failure = error as Error;
      this.#queue.length = 0;
    }
    const done = this.#onDrain;
    this.#onDrain = undefined;
    done?.();
  }

  /** Null when there is none yet. */
  #receiveNow(): SocketMessage | undefined | null {
    const buffer = Buffer.allocUnsafe(READ_SIZE);
    try {
      const { length, fds } = receiveMessage(this.#fd, buffer, 253);
      if (length === 0 && fds.length === 0) return undefined;
      return { bytes: Buffer.from(buffer.subarray(0, length)), fds };
    } catch (error) {
      if (isAgain(error)) return null;
      throw error;
    }
  }
}

function isAgain(error: unknown): boolean {
  return error instanceof SystemError && error.errno === E.EAGAIN;
}

function chain(first: (() => void) | undefined, second: () => void): () => void {
  return () => {
    first?.();
    second();
  };
}
