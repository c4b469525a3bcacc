/**
 * Node streams over channels.
 *
 * @module
 */
import { Duplex, Readable, Writable } from 'node:stream';
import type { Channel } from './channel.js';

type Callback = (error?: Error | null) => void;

/**
 * Reads once. The stream asks again by itself, in a microtask of its own: who awaits one `data` event
 * misses none.
 */
function pull(stream: Readable, channel: Channel): void {
  try {
    const bytes = channel.read();
    if (bytes === undefined) channel.onceReadable(() => pull(stream, channel));
    else stream.push(bytes);
  } catch (error) {
    stream.destroy(error as Error);
  }
}

/**
 * Writes all of `bytes`, waiting for room as often as it takes. When nobody reads any more the rest
 * is dropped without an error: whether the child wanted it all is the child's affair.
 */
function drainInto(channel: Channel, bytes: Uint8Array, done: Callback): void {
  if (channel.closed) {
    done();
    return;
  }
  let count: number;
  try {
    count = channel.write(bytes);
  } catch (error) {
    done(error as Error);
    return;
  }
  if (count < 0 || count === bytes.length) done();
  else channel.onceWritable(() => drainInto(channel, bytes.subarray(count), done));
}

/** Ends a stream where its channel is now: what is there can still be read, and nothing follows. */
function endHere(stream: Readable, channel: Channel): void {
  if (stream.destroyed || stream.readableEnded || channel.closed) return;
  for (const bytes of channel.readRest()) stream.push(bytes);
  channel.close();
  stream.push(null);
}

/** Closes the pipes of streams that nobody can use any more. */
const unread = new FinalizationRegistry<Channel>((channel) => channel.close());

/** What the child writes. */
export class PipeReader extends Readable {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    super({ highWaterMark: 64 * 1024 });
    this.#channel = channel;
    unread.register(this, channel);
  }

  override _read(): void {
    if (!this.#channel.closed) pull(this, this.#channel);
  }

  override _destroy(error: Error | null, callback: Callback): void {
    this.#channel.close();
    callback(error);
  }

  /** Nobody waits for more: what is there can still be read. @internal */
  cutOff(): void {
    endHere(this, this.#channel);
  }

  /** Whether waiting for data keeps the event loop alive. */
  ref(): this {
    this.#channel.reference(true);
    return this;
  }

  unref(): this {
    this.#channel.reference(false);
    return this;
  }
}

/** What the child reads. */
export class PipeWriter extends Writable {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    super({ highWaterMark: 64 * 1024 });
    this.#channel = channel;
    unread.register(this, channel);
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, callback: Callback): void {
    drainInto(this.#channel, chunk, callback);
  }

  override _writev(chunks: { chunk: Uint8Array }[], callback: Callback): void {
    drainInto(this.#channel, Buffer.concat(chunks.map(({ chunk }) => chunk)), callback);
  }

  override _final(callback: Callback): void {
    this.#channel.close();
    callback();
  }

  override _destroy(error: Error | null, callback: Callback): void {
    this.#channel.close();
    callback(error);
  }

  ref(): this {
    this.#channel.reference(true);
    return this;
  }

  unref(): this {
    this.#channel.reference(false);
    return this;
  }
}

/** A socket to the child. */
export class SocketStream extends Duplex {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    super({ highWaterMark: 64 * 1024 });
    this.#channel = channel;
  }

  override _read(): void {
    if (!this.#channel.closed) pull(this, this.#channel);
  }

  /** Nobody waits for more: what is there can still be read. @internal */
  cutOff(): void {
    endHere(this, this.#channel);
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, callback: Callback): void {
    drainInto(this.#channel, chunk, callback);
  }

  override _final(callback: Callback): void {
    this.#channel.endWriting();
    callback();
  }

  override _destroy(error: Error | null, callback: Callback): void {
    this.#channel.close();
    callback(error);
  }

  ref(): this {
    this.#channel.reference(true);
    return this;
  }

  unref(): this {
    this.#channel.reference(false);
    return this;
  }
}
