/**
 * Between a pipe and the streams that people have: Node's, the web's, and iterables.
 *
 * @module
 */
import { Readable, Writable } from 'node:stream';
import { types } from 'node:util';
import { invalid } from '../syscall/check.js';
import { setImmediate } from '../time.js';
import type { PipeEnd } from './channel.js';
import { fillsPipe } from './io.js';
import { makeRoom } from './listeners.js';

/** What a child can read from. */
export type Source =
  | ArrayBufferView
  | ArrayBufferLike
  | Blob
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
  if (isBytes(value) || value instanceof ReadableStream || value instanceof Blob) return true;
  return Symbol.asyncIterator in value || Symbol.iterator in value;
}

export function isBytes(value: unknown): value is ArrayBufferView | ArrayBufferLike {
  return ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value);
}

/** The bytes of a text, a typed array or a buffer, of whatever realm it is. */
export function toBytes(option: string, value: unknown): Uint8Array {
  if (typeof value === 'string') return Buffer.from(value);
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  if (types.isAnyArrayBuffer(value)) return new Uint8Array(value);
  throw invalid(option, value, 'a string or bytes');
}

/** Refuses what could not be read or written once the command runs. */
export function checkStreams(option: string, value: unknown): void {
  const isWeb = value instanceof ReadableStream || value instanceof WritableStream;
  if (isWeb && value.locked) throw invalid(option, value, 'a stream that is not locked');
  if (!Array.isArray(value)) return;
  for (const [index, chunk] of value.entries()) toBytes(`${option}[${index}]`, chunk);
}

/** Pauses a stream that nothing else reads by now. */
function pauseUnread(source: Readable): void {
  if (source.listenerCount('data') + source.listenerCount('readable') === 0) source.pause();
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
  makeRoom(source, 2);
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
    makeRoom(source, -2);
    // What reads process.stdin keeps the event loop alive; it stops when it is told that it is paused.
    if ('fd' in source && source.fd === 0) setImmediate(() => pauseUnread(source));
    if (rest.length > 0 && !source.readableEnded && !source.destroyed) source.unshift(rest);
  };
  return { next, release };
}

function pullerOf(source: Source): Puller {
  if (isBytes(source)) return pullerOf([toBytes('', source)]);
  if (source instanceof Blob) return pullerOf(source.stream());
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
function writeAll(channel: PipeEnd, bytes: Uint8Array): Promise<Uint8Array> {
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
  channel: PipeEnd,
  source: Source,
  ended: Promise<unknown>,
  option: string,
): Promise<void> {
  // Of bytes nothing is given back: the more of them are in the pipe, the better.
  if (isBytes(source) && fillsPipe(toBytes(option, source))) channel.grow();
  let puller: Puller | undefined;
  let count = 0;
  const gone = Promise.race([
    ended,
    new Promise<void>((resolve) => channel.onceHangUp(resolve)),
  ]).then(() => GONE);
  let rest: Uint8Array = new Uint8Array();
  try {
    puller = pullerOf(source);
    for (;;) {
      // A source that has nothing now must not keep a child that has ended waiting.
      const pulled = await Promise.race([puller.next(), gone]);
      if ('gone' in pulled || pulled.done || pulled.value === undefined) return;
      rest = await writeAll(channel, toBytes(`chunk ${count++} of ${option}`, pulled.value));
      if (rest.length > 0) return;
    }
  } finally {
    channel.close();
    puller?.release(rest);
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
  makeRoom(sink, 1);
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
    if (failed) return; // the event of the error may be still to come
    sink.off('error', ignored);
    makeRoom(sink, -1);
  };
  return { write, release };
}

/** The writers of web streams that commands write to now. */
const writers = new WeakMap<
  WritableStream<Uint8Array>,
  { readonly writer: WritableStreamDefaultWriter<Uint8Array>; users: number }
>();

function writerToWeb(sink: WritableStream<Uint8Array>): ReturnType<typeof writerTo> {
  // One writer for stdout and stderr of a command, say: a second is refused by the stream.
  const shared = writers.get(sink) ?? { writer: sink.getWriter(), users: 0 };
  const { writer } = shared;
  shared.users += 1;
  writers.set(sink, shared);
  let closed = false;
  const close = (): void => {
    closed = true;
  };
  writer.closed.then(close, () => {}); // `write` tells of a failure
  const write = (bytes: Uint8Array): Promise<void> => {
    return closed ? Promise.reject(new Error(CLOSED)) : writer.write(bytes);
  };
  const release = (): void => {
    shared.users -= 1;
    if (shared.users > 0) return;
    writers.delete(sink);
    writer.releaseLock();
  };
  return { write, release };
}

/** Reads what is there, waiting for it; null at the end. */
function readNext(channel: PipeEnd): Promise<Buffer | null> {
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
export async function drainTo(channel: PipeEnd, sink: Sink): Promise<void> {
  let writer: ReturnType<typeof writerTo> | undefined;
  let failed = true;
  try {
    writer = sink instanceof Writable ? writerTo(sink) : writerToWeb(sink);
    for (let bytes = await readNext(channel); bytes !== null; bytes = await readNext(channel)) {
      await writer.write(bytes);
    }
    failed = false;
  } finally {
    channel.close();
    writer?.release(failed);
  }
}
