/**
 * What is printed of jobs, and when: never two jobs in one line, and nothing of a try that is repeated.
 *
 * @module
 */
import type { ResultFiles } from './results.js';
import { Spool } from './spool.js';
import type { Writer } from './writer.js';

/** How output is printed. */
export interface Printing {
  /** `'group'`: when a job has ended; `'line'`: whole lines as they come; `'raw'`: bytes as they come. */
  readonly mode: 'group' | 'line' | 'raw';
  readonly keepOrder: boolean;
}

const NEWLINE = 0x0a;

/** Puts a tag before each line; the end of a line may come with a later piece. */
class Tagger {
  readonly #tag: Uint8Array;
  #isInLine = false;

  constructor(tag: Uint8Array) {
    this.#tag = tag;
  }

  add(bytes: Uint8Array): Uint8Array {
    if (this.#tag.length === 0) return bytes;
    const pieces: Uint8Array[] = [];
    for (let from = 0; from < bytes.length; ) {
      if (!this.#isInLine) pieces.push(this.#tag);
      const end = bytes.indexOf(NEWLINE, from);
      const to = end < 0 ? bytes.length : end + 1;
      pieces.push(bytes.subarray(from, to));
      this.#isInLine = end < 0;
      from = to;
    }
    return Buffer.concat(pieces);
  }
}

/** The output of one job. */
export class JobOutput {
  readonly #printer: Printer;
  readonly #tag: Uint8Array;
  readonly #files: ResultFiles | undefined;
  readonly #spools: readonly [Spool, Spool] = [new Spool(), new Spool()];
  #taggers: readonly [Tagger, Tagger];
  /** Whether it is printed as it comes now. */
  isLive = false;
  isOver = false;
  /** Bytes of stdout of the last try. */
  received = 0;

  constructor(printer: Printer, tag: Uint8Array, files: ResultFiles | undefined) {
    this.#printer = printer;
    this.#tag = tag;
    this.#files = files;
    this.#taggers = [new Tagger(tag), new Tagger(tag)];
  }

  /** Takes what the job wrote; resolves when more may come. */
  add(fd: 1 | 2, bytes: Uint8Array): Promise<void> | undefined {
    if (fd === 1) this.received += bytes.length;
    if (this.#files !== undefined) {
      this.#files.write(fd, bytes);
      return undefined;
    }
    const spool = this.#spools[fd - 1] as Spool;
    if (!this.isLive) {
      spool.append(bytes);
      return undefined;
    }
    const end = this.#printer.mode === 'raw' ? bytes.length : bytes.lastIndexOf(NEWLINE) + 1;
    if (end > 0) {
      for (const piece of spool.take()) this.#print(fd, piece);
      this.#print(fd, bytes.subarray(0, end));
    }
    if (end < bytes.length) spool.append(bytes.subarray(end));
    return this.#printer.writer.isFull ? this.#printer.writer.room() : undefined;
  }

  /** Prints what has come in whole lines, and from here on what comes. */
  goLive(): void {
    this.isLive = true;
    for (const fd of [1, 2] as const) {
      const pieces = [...(this.#spools[fd - 1] as Spool).take()];
      if (pieces.length > 0) void this.add(fd, Buffer.concat(pieces));
      if (fd === 1) this.received -= pieces.reduce((sum, piece) => sum + piece.length, 0);
    }
  }

  /** The job is run again: nothing of this try is printed. */
  restart(): void {
    for (const spool of this.#spools) spool.drop();
    this.#taggers = [new Tagger(this.#tag), new Tagger(this.#tag)];
    this.#files?.empty();
    this.received = 0;
  }

  /** The job has ended; what is left of it is printed when it is its turn. */
  end(): void {
    this.isOver = true;
    this.#files?.close();
  }

  /** Whether nothing of it is left to be printed. */
  get isEmpty(): boolean {
    return this.#spools[0].size === 0 && this.#spools[1].size === 0;
  }

  /** Prints all that is left. */
  *rest(): Generator<void> {
    for (const fd of [1, 2] as const) {
      for (const piece of (this.#spools[fd - 1] as Spool).take()) {
        this.#print(fd, piece);
        yield;
      }
    }
  }

  drop(): void {
    for (const spool of this.#spools) spool.drop();
  }

  #print(fd: 1 | 2, bytes: Uint8Array): void {
    this.#printer.writer.write(fd, (this.#taggers[fd - 1] as Tagger).add(bytes));
  }
}

/** Prints the output of jobs, one after another. */
export class Printer {
  readonly writer: Writer;
  readonly mode: Printing['mode'];
  readonly #keepOrder: boolean;
  readonly #mayRestart: boolean;
  /** By number, those that have begun and were not printed whole. */
  readonly #outputs = new Map<number, JobOutput>();
  /** Those that have ended, in the order in which they are printed. */
  #ended: JobOutput[] = [];
  #next = 1;
  #printing: Promise<void> | undefined;

  /** `mayRestart`: jobs may be run again, so that nothing of them is printed before their end. */
  constructor(writer: Writer, { mode, keepOrder }: Printing, mayRestart: boolean) {
    this.writer = writer;
    this.mode = mode;
    this.#keepOrder = keepOrder;
    this.#mayRestart = mayRestart;
  }

  begin(seq: number, tag: Uint8Array, files: ResultFiles | undefined): JobOutput {
    const output = new JobOutput(this, tag, files);
    this.#outputs.set(seq, output);
    const isTurn = !this.#keepOrder || seq === this.#next;
    if (isTurn && this.mode !== 'group' && !this.#mayRestart) output.goLive();
    return output;
  }

  /** A number without output: a job that is left out. */
  skip(seq: number): void {
    if (!this.#keepOrder) return;
    const nothing = new JobOutput(this, new Uint8Array(), undefined);
    nothing.end();
    this.#outputs.set(seq, nothing);
    this.#advance();
  }

  /** A job has ended. `isShown`: its output is printed. */
  end(seq: number, isShown: boolean): void {
    const output = this.#outputs.get(seq) as JobOutput;
    output.end();
    if (!isShown) output.drop();
    if (!this.#keepOrder) {
      this.#outputs.delete(seq);
      this.#print(output);
    } else if (seq === this.#next) this.#advance();
  }

  /** Whether more is waiting to be printed than the reader can take. */
  get isBehind(): boolean {
    return this.writer.isFull || this.#ended.length > 100;
  }

  /** Resolves once no more is waiting to be printed than the reader can take. */
  async room(): Promise<void> {
    while (this.isBehind) {
      await (this.writer.isFull ? this.writer.room() : this.#printing);
    }
  }

  /** Resolves once all that has ended is printed. */
  async flushed(): Promise<void> {
    while (this.#printing !== undefined) await this.#printing;
    await this.writer.flushed();
  }

  /** With --keep-order: prints those whose turn it is. */
  #advance(): void {
    if (!this.#keepOrder) return;
    for (;;) {
      const output = this.#outputs.get(this.#next);
      if (output?.isOver) {
        this.#outputs.delete(this.#next);
        this.#print(output);
        this.#next += 1;
        continue;
      }
      if (output === undefined) return;
      if (this.mode !== 'group' && !this.#mayRestart && !output.isLive) output.goLive();
      return;
    }
  }

  #print(output: JobOutput): void {
    if (output.isEmpty) return;
    this.#ended.push(output);
    this.#printing ??= this.#printAll();
  }

  async #printAll(): Promise<void> {
    await undefined; // `#printing` is set first
    for (let output = this.#ended.shift(); output !== undefined; output = this.#ended.shift()) {
      for (const _ of output.rest()) if (this.writer.isFull) await this.writer.room();
    }
    this.#printing = undefined;
  }
}
