/**
 * A stream of a job on a slot, in the place of our end of a pipe.
 *
 * @module
 */
import { WINDOW } from '../agent/protocol.js';
import type { PipeEnd } from '../command/channel.js';
import type { RemoteJob } from './remote-job.js';

/** One input or output of a job. */
export class RemotePipe implements PipeEnd {
  readonly fd: number;
  readonly #job: () => RemoteJob;
  /** What came and was not read. */
  #chunks: Buffer[] = [];
  #ended = false;
  #closed = false;
  /** Bytes that may be sent. */
  #room = WINDOW;
  #onReadable: (() => void) | undefined;
  #onWritable: (() => void) | undefined;
  #onHangUp: (() => void) | undefined;
  #onClosed: (() => void) | undefined;
  readonly isInput: boolean;

  constructor(fd: number, isInput: boolean, job: () => RemoteJob) {
    this.fd = fd;
    this.isInput = isInput;
    this.#job = job;
  }

  /** Bytes have come. */
  push(bytes: Buffer): void {
    if (this.#closed) return;
    this.#chunks.push(bytes);
    this.#wake();
  }

  /** No more will come, or be taken. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#wake();
    this.#onHangUp?.();
    const writable = this.#onWritable;
    this.#onWritable = undefined;
    writable?.();
  }

  /** So much of the input was taken. */
  give(count: number): void {
    this.#room += count;
    const writable = this.#onWritable;
    this.#onWritable = undefined;
    writable?.();
  }

  #wake(): void {
    const readable = this.#onReadable;
    this.#onReadable = undefined;
    readable?.();
  }

  get closed(): boolean {
    return this.#closed;
  }

  get hasRest(): boolean {
    return this.#chunks.length > 0;
  }

  get held(): boolean {
    return !this.#ended;
  }

  read(): Buffer | undefined | null {
    const bytes = this.#chunks.shift();
    if (bytes === undefined) return this.#ended || this.#closed ? null : undefined;
    this.#job().credit(this.fd, bytes.length);
    return bytes;
  }

  write(bytes: Uint8Array): number {
    if (this.#ended || this.#closed) return -1;
    const count = Math.min(bytes.length, this.#room);
    if (count === 0) return 0;
    this.#room -= count;
    // A copy: who wrote it may use the memory again.
    this.#job().write(this.fd, Buffer.from(bytes.subarray(0, count)));
    return count;
  }

  onceReadable(callback: () => void): void {
    if (this.#chunks.length > 0 || this.#ended) queue(callback);
    else this.#onReadable = callback;
  }

  onceWritable(callback: () => void): void {
    if (this.#room > 0 || this.#ended) queue(callback);
    else this.#onWritable = callback;
  }

  onceHangUp(callback: () => void): void {
    if (this.#ended) queue(callback);
    else this.#onHangUp = callback;
  }

  onceClosed(callback: () => void): void {
    this.#onClosed = callback;
  }

  endWriting(): void {
    this.#job().endInput(this.fd);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#chunks = [];
    this.#onClosed?.();
    if (this.isInput) this.#job().endInput(this.fd);
    else if (!this.#ended) this.#job().discard(this.fd);
  }

  cutOff(): void {
    this.end();
  }

  settle(): void {}

  grow(): void {}

  reference(): void {}
}

function queue(callback: () => void): void {
  void Promise.resolve().then(callback);
}
