/**
 * Text by lines.
 *
 * @module
 */

import { Readable, type Stream } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { ownOptions } from '../launch/values.js';
import { checkBoolean, invalid, refused } from '../syscall/check.js';

/**
 * Splits bytes into lines as they come; a line ends with `\n` or `\r\n`, which is left out, and where it
 * is asked for with `\r` alone, too.
 */
export class LineSplitter {
  readonly #decoder = new StringDecoder('utf8');
  readonly #end: RegExp | '\n';
  /** Whether the last text ended in `\r`, which was the end of a line at once. */
  #returned = false;
  /** The line that is not complete yet, in pieces: joined once, however long it gets. */
  #rest: string[] = [];

  constructor(carriageReturn = false) {
    this.#end = carriageReturn ? /\r\n|\n|\r/ : '\n';
  }

  /** The lines that `bytes` complete. */
  push(bytes: Uint8Array): string[] {
    return this.#split(this.#decoder.write(bytes as Buffer));
  }

  /** What is left when there are no more bytes: a last line without its end. */
  end(): string[] {
    const lines = this.#split(this.#decoder.end());
    const rest = this.#rest.join('');
    if (rest !== '') lines.push(rest);
    this.#rest = [];
    return lines;
  }

  #split(text: string): string[] {
    // The second half of an end that was taken for one already.
    const isHalf = this.#returned && text.startsWith('\n');
    const lines = (isHalf ? text.slice(1) : text).split(this.#end);
    if (text !== '') this.#returned = this.#end !== '\n' && text.endsWith('\r');
    const last = lines.pop() ?? '';
    if (lines.length > 0) {
      lines[0] = this.#rest.join('') + lines[0];
      this.#rest = [];
    }
    if (last !== '') this.#rest.push(last);
    if (!text.includes('\r') && !lines[0]?.endsWith('\r')) return lines;
    return lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
  }
}

/** The lines of a text, the last with or without its end. */
export function splitLines(bytes: Uint8Array): string[] {
  const splitter = new LineSplitter();
  return [...splitter.push(bytes), ...splitter.end()];
}

/**
 * The lines of several streams, in the order in which they are complete. Who leaves early, while a line
 * is waited for too, closes them.
 *
 * Not an async generator, which makes several promises for each line: a chunk is split at once, and a line that
 * is there takes one.
 */
class Lines implements AsyncIterableIterator<string> {
  readonly #streams: readonly Readable[];
  readonly #batches: AsyncGenerator<string[], void, undefined>;
  #lines: string[] = [];
  #at = 0;
  #isLeft = false;
  /** The last call that waits for a line: those that come meanwhile are answered after it. */
  #last: Promise<IteratorResult<string, void>> | undefined;

  constructor(streams: readonly Readable[], carriageReturn: boolean) {
    this.#streams = streams;
    this.#batches = read(streams, carriageReturn, () => this.#isLeft);
  }

  next(): Promise<IteratorResult<string, void>> {
    if (this.#last === undefined && this.#at < this.#lines.length) {
      const value = this.#lines[this.#at] as string;
      this.#at += 1;
      return Promise.resolve({ done: false, value });
    }
    const before = this.#last ?? Promise.resolve();
    const taken = before.then(
      () => this.#take(),
      () => this.#take(),
    );
    const forget = (): void => {
      if (this.#last === taken) this.#last = undefined;
    };
    this.#last = taken;
    taken.then(forget, forget);
    return taken;
  }

  async #take(): Promise<IteratorResult<string, void>> {
    while (this.#at >= this.#lines.length) {
      const { done, value } = await this.#batches.next();
      if (done) return { done, value: undefined };
      this.#lines = value;
      this.#at = 0;
    }
    const value = this.#lines[this.#at] as string;
    this.#at += 1;
    return { done: false, value };
  }

  async return(): Promise<IteratorResult<string, void>> {
    this.#isLeft = true;
    this.#lines = [];
    this.#at = 0;
    for (const stream of this.#streams) stream.destroy();
    await this.#batches.return();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** The lines as they become complete, those of a chunk together. */
async function* read(
  streams: readonly Readable[],
  carriageReturn: boolean,
  isLeft: () => boolean,
): AsyncGenerator<string[], void, undefined> {
  const iterators = streams.map((stream) => stream[Symbol.asyncIterator]());
  const splitters = streams.map(() => new LineSplitter(carriageReturn));
  const next = async (index: number) => {
    const result = await (iterators[index] as AsyncIterator<Uint8Array>).next();
    return { index, result };
  };
  const pending = new Map(streams.map((_, index) => [index, next(index)]));
  try {
    while (pending.size > 0) {
      const { index, result } = await Promise.race(pending.values());
      const splitter = splitters[index] as LineSplitter;
      if (result.done) pending.delete(index);
      else pending.set(index, next(index));
      yield result.done ? splitter.end() : splitter.push(result.value);
    }
  } catch (error) {
    if (!isLeft()) throw error; // of a stream that was closed by leaving it
  } finally {
    // Not by the iterators, which would first wait for what they were asked for last.
    for (const [index, asked] of pending) {
      asked.catch(() => {});
      streams[index]?.destroy();
    }
  }
}

/** Which lines of a command are wanted, and what ends one. */
export interface ChildLinesOptions {
  from?: 'stdout' | 'stderr' | 'both' | number | undefined;
  carriageReturn?: boolean | undefined;
}

/** The lines of a command's streams, which `streamAt` returns by the descriptor of the child. */
export function linesFrom(
  options: ChildLinesOptions,
  streamAt: (fd: number) => Stream | null,
): AsyncIterable<string> {
  const { from = 'stdout', carriageReturn = false } = ownOptions(options);
  checkBoolean('carriageReturn', carriageReturn);
  const wanted =
    typeof from === 'number' ? [from] : { stdout: [1], stderr: [2], both: [1, 2] }[from];
  if (wanted === undefined) {
    throw invalid('from', from, "'stdout', 'stderr', 'both' or a descriptor");
  }
  const streams = wanted.map((fd) => {
    const stream = streamAt(fd);
    if (stream instanceof Readable) return stream;
    const option = ['stdin', 'stdout', 'stderr'][fd] ?? `fds[${fd}]`;
    throw refused('lines', `requires ${option} to be 'pipe'`);
  });
  return new Lines(streams, carriageReturn);
}
