/**
 * Node streams over channels.
 *
 * @module
 */
import { Duplex, type DuplexOptions, Readable, Writable } from 'node:stream';
import type { Channel } from './channel.js';

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

function readingFrom(channel: Channel): DuplexOptions {
  return {
    read(this: Duplex): void {
      pull(this, channel);
    },
  };
}

/** `end` tells the other side that no more follows. */
function writingTo(channel: Channel, end: () => void): DuplexOptions {
  return {
    write: (chunk: Uint8Array, _encoding, done) => drainInto(channel, chunk, done),
    writev: (chunks: { chunk: Uint8Array }[], done) => {
      drainInto(channel, Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
    },
    final: (done) => {
      end();
      done();
    },
  };
}

/** Closes the pipes of streams that nobody can use any more. */
const unused = new FinalizationRegistry<Channel>((channel) => channel.close());

/** The stream at our end: what the child writes, what it reads, or both. */
export function streamOver(channel: Channel, kind: 'reader' | 'writer' | 'socket'): ChannelStream {
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
  const reference = (referenced: boolean) => () => {
    channel.reference(referenced);
    return stream as ChannelStream;
  };
  return Object.assign(stream, { ref: reference(true), unref: reference(false) }) as ChannelStream;
}
