/**
 * Node streams over channels.
 *
 * @module
 */
import { Duplex, type DuplexOptions, Readable, Writable } from 'node:stream';
import { E } from '../syscall/constants.js';
import { SystemError } from '../syscall/errors.js';
import { setImmediate } from '../time.js';
import type { PipeEnd } from './channel.js';

type Callback = (error?: Error | null) => void;

/** Whether the event loop waits for a stream, as net.Socket has it too. */
export interface Referable {
  /** Waiting for data keeps the event loop alive, which is the default. */
  ref(): this;
  unref(): this;
}

/** A stream at our end of a pipe or socket. */
export type ChannelStream = (Readable | Writable | Duplex) & Referable;

/**
 * Reads once. The stream asks again by itself, in a microtask of its own: who awaits one `data` event
 * misses none.
 */
function pull(stream: Readable, channel: PipeEnd): void {
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
 * is dropped without an error, for whether the child wanted it all is the child's affair: a stream
 * that was ended finishes, and one that would take more is destroyed, so that its source stops.
 */
function drainInto(stream: Writable, channel: PipeEnd, bytes: Uint8Array, done: Callback): void {
  let count = -1;
  try {
    if (!channel.closed) count = channel.write(bytes);
  } catch (error) {
    done(error as Error);
    return;
  }
  if (count === bytes.length || (count < 0 && stream.writableEnded)) done();
  else if (count < 0) refuse(stream, done);
  else channel.onceWritable(() => drainInto(stream, channel, bytes.subarray(count), done));
}

/** Nobody reads what was written: no more is taken. */
function refuse(stream: Writable, done: Callback): void {
  if (stream instanceof Duplex && isRead(stream)) {
    // There may be more to read; the source is kept waiting until that is over.
    stream.once('end', () => stream.destroy());
    return;
  }
  // Who writes and ends it in one go has nothing more that could be taken.
  setImmediate(() => {
    const isOver = stream.writableEnded;
    if (!isOver) stream.destroy();
    // For the callback of `write`: of a stream that was destroyed it is no event.
    done(isOver ? null : new SystemError('write', E.EPIPE));
  });
}

/** Whether somebody reads a stream, at whatever pace. */
export function isRead(stream: Readable): boolean {
  const listeners = stream.listenerCount('data') + stream.listenerCount('readable');
  return listeners > 0 || stream.readableFlowing === true;
}

function readingFrom(channel: PipeEnd): DuplexOptions {
  return {
    read(this: Duplex): void {
      pull(this, channel);
    },
  };
}

/** `end` tells the other side that no more follows. */
function writingTo(channel: PipeEnd, end: () => void): DuplexOptions {
  return {
    write(this: Duplex, chunk: Uint8Array, _encoding, done) {
      drainInto(this, channel, chunk, done);
    },
    writev(this: Duplex, chunks: { chunk: Uint8Array }[], done) {
      drainInto(this, channel, Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
    },
    final: (done) => {
      end();
      done();
    },
  };
}

/** Closes the pipes of streams that nobody can use any more. */
const unused = new FinalizationRegistry<PipeEnd>((channel) => channel.close());

/** A stream that takes writing does not outlive its pipe, which must not keep the stream. */
function endWith(channel: PipeEnd, reference: WeakRef<Writable | Duplex>): void {
  const end = (): void => {
    const stream = reference.deref();
    if (stream === undefined || stream.writableEnded) return;
    if (!(stream instanceof Duplex)) {
      stream.destroy();
      return;
    }
    stream.once('end', () => stream.destroy());
    // Where nothing is left to be read, that is its end: nobody has to look.
    if (!channel.hasRest && stream.readableLength === 0) stream.resume();
  };
  // Who asks for the stream of a child that has ended may still write and end it in one go.
  if (channel.closed) setImmediate(end);
  else channel.onceClosed(end);
}

/** The stream at our end: what the child writes, what it reads, or both. */
export function streamOver(channel: PipeEnd, kind: 'reader' | 'writer' | 'socket'): ChannelStream {
  const common: DuplexOptions = {
    highWaterMark: 64 * 1024,
    destroy: (error, done) => {
      channel.close();
      done(error);
    },
  };
  const reading = readingFrom(channel);
  let stream: Readable | Writable | Duplex;
  if (kind === 'reader') {
    stream = new Readable({ ...common, ...reading } as object);
  } else if (kind === 'writer') {
    stream = new Writable({ ...common, ...writingTo(channel, () => channel.close()) } as object);
  } else {
    const writing = writingTo(channel, () => channel.endWriting());
    stream = new Duplex({ ...common, ...reading, ...writing });
  }
  unused.register(stream, channel);
  if (kind !== 'reader') endWith(channel, new WeakRef(stream as Writable));
  const reference = (referenced: boolean) => () => {
    channel.reference(referenced);
    return stream as ChannelStream;
  };
  return Object.assign(stream, { ref: reference(true), unref: reference(false) }) as ChannelStream;
}
