/**
 * Between a pipe and the streams that people have: Node's, the web's, and iterables.
 *
 * @module
 */
import { Readable, Writable } from 'node:stream';
import type { Channel } from './channel.js';
import { fillsPipe } from './io.js';

/** What a child can read from. */
export type Source =
  | Uint8Array
  | Readable
  | ReadableStream<string | Uint8Array>
  | AsyncIterable<string | Uint8Array>
  | (Iterable<string | Uint8Array> & object); // a string is one too, and a misspelt 'pipe'

/** What a child's output can be written to. It is not ended: others may write to it too. */
export type Sink = Writable | WritableStream<Uint8Array>;

type Chunk = string | Uint8Array;

export function isSink(value: unknown): value is Sink {
  if (typeof value !== 'object' || value === null) return false;
  return value instanceof Writable || value instanceof WritableStream;
}

export function isSource(value: unknown): value is Source {
  if (typeof value !== 'object' || value === null) return false;
  if (value instanceof Uint8Array || value instanceof ReadableStream) return true;
  return Symbol.asyncIterator in value || Symbol.iterator in value;
}

/** Pulls chunks; `release` gives the source back with what was not taken. */
interface Puller {
  next(): Promise<{ done?: boolean | undefined; value?: Chunk | undefined }>;
  release(rest: Uint8Array): void;
}

/** Of Node's streams nothing is taken ahead, so that another can read on from there. */
function pullerOfReadable(source: Readable): Puller {
  let forget = (): void => {};
  const failed = (): void => {}; // looked at in `next`; without a listener it would end the program
  source.on('error', failed);
  const changed = (): Promise<void> => {
    return new Promise((resolve) => {
      const events = ['readable', 'end', 'close', 'error'] as const;
      for (const event of events) source.once(event, resolve);
      forget = () => {
        for (const event of events) source.off(event, resolve);
      };
    });
  };
  const next: Puller['next'] = async () => {
    for (;;) {
      if (source.errored !== null) throw source.errored;
      const value: Chunk | null = source.readableEnded ? null : source.read();
      if (value !== null) return { value };
      if (source.errored !== null) throw source.errored;
      if (source.readableEnded || source.destroyed) return { done: true };
      await changed();
      forget();
    }
  };
  const release: Puller['release'] = (rest) => {
    forget();
    // The event of an error that is known already is still to come.
    if (source.errored === null) source.off('error', failed);
    if (rest.length > 0 && !source.readableEnded && !source.destroyed) source.unshift(rest);
  };
  return { next, release };
}

function pullerOf(source: Source): Puller {
  if (source instanceof Uint8Array) return pullerOf([source]);
  if (source instanceof ReadableStream) {
    const reader = source.getReader();
    return { next: () => reader.read(), release: () => reader.releaseLock() };
  }
  if (source instanceof Readable) return pullerOfReadable(source);
  const iterator =
    Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  return {
    next: async () => iterator.next(),
    release: () => void iterator.return?.(),
  };
}

/** Writes `bytes`; resolves to those that nobody reads any more. */
function writeAll(channel: Channel, bytes: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const write = (left: Uint8Array): void => {
      if (channel.closed) {
        resolve(left);
        return;
      }
      try {
        const count = channel.write(left);
        if (count < 0) resolve(left);
        else if (count === left.length) resolve(left.subarray(count));
        else {
          const rest = left.subarray(count);
          channel.onceClosed(() => resolve(rest));
          channel.onceWritable(() => write(rest));
        }
      } catch (error) {
        reject(error);
      }
    };
    write(bytes);
  });
}

const GONE = { gone: true } as const;

/**
 * Writes a source into a pipe and closes the pipe. When the child does not read any more, or has
 * ended, the source is let go where it is, without an error: what is left of it can be read by
 * others.
 */
export async function feedFrom(
  channel: Channel,
  source: Source,
  ended: Promise<unknown>,
): Promise<void> {
  // Of bytes nothing is given back: the more of them are in the pipe, the better.
  if (source instanceof Uint8Array && fillsPipe(source)) channel.grow();
  const puller = pullerOf(source);
  const gone = Promise.race([
    ended,
    new Promise<void>((resolve) => channel.onceHangUp(resolve)),
  ]).then(() => GONE);
  let rest: Uint8Array = new Uint8Array();
  try {
    for (;;) {
      // A source that has nothing now must not keep a child that has ended waiting.
      const pulled = await Promise.race([puller.next(), gone]);
      if ('gone' in pulled || pulled.done || pulled.value === undefined) return;
      const { value } = pulled;
      const bytes = typeof value === 'string' ? Buffer.from(value) : value;
      rest = await writeAll(channel, bytes);
      if (rest.length > 0) return;
    }
  } finally {
    channel.close();
    puller.release(rest);
  }
}

const CLOSED = 'the stream that takes the output was closed';

/** Writes to a sink; rejects when it fails or is closed, after which it calls nobody back. */
function writerTo(sink: Writable): {
  write(bytes: Uint8Array): Promise<void>;
  release(failed: boolean): void;
} {
  let rejectWrite: (error: Error) => void = () => {};
  const closed = (): void => rejectWrite(new Error(CLOSED));
  // The error is told by the promise; the event alone would end the program.
  const ignored = (): void => {};
  sink.on('error', ignored);
  sink.on('close', closed);
  const write = (bytes: Uint8Array): Promise<void> => {
    return new Promise((resolve, reject) => {
      rejectWrite = reject;
      if (sink.destroyed || sink.writableEnded) closed();
      else sink.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  };
  const release = (failed: boolean): void => {
    sink.off('close', closed);
    if (!failed) sink.off('error', ignored);
  };
  return { write, release };
}

function writerToWeb(sink: WritableStream<Uint8Array>): ReturnType<typeof writerTo> {
  const writer = sink.getWriter();
  return { write: (bytes) => writer.write(bytes), release: () => writer.releaseLock() };
}

/** Reads what is there, waiting for it; null at the end. */
function readNext(channel: Channel): Promise<Buffer | null> {
  return new Promise((resolve, reject) => {
    let over = false;
    const read = (): void => {
      if (over) return; // what comes of it later is for the next
      try {
        const bytes = channel.read();
        over = bytes !== undefined;
        if (bytes === undefined) channel.onceReadable(read);
        else resolve(bytes);
      } catch (error) {
        reject(error);
      }
    };
    channel.onceClosed(read);
    read();
  });
}

/**
 * Writes all that comes from a pipe to a sink, no faster than it takes it. A sink that fails closes
 * the pipe, and the child gets SIGPIPE.
 */
export async function drainTo(channel: Channel, sink: Sink): Promise<void> {
  const writer = sink instanceof Writable ? writerTo(sink) : writerToWeb(sink);
  let failed = true;
  try {
    for (let bytes = await readNext(channel); bytes !== null; bytes = await readNext(channel)) {
      await writer.write(bytes);
    }
    failed = false;
  } finally {
    channel.close();
    writer.release(failed);
  }
}
