/**
 * Writing to stdout and stderr off the event loop, in order: a reader may take its time, and agents
 * are to hear from us meanwhile.
 *
 * @module
 */
import { E, SYS } from '../../syscall/constants.js';
import { errorMessage } from '../../syscall/errors.js';
import { syscallLater } from '../../syscall/raw.js';
import { Failure } from '../exit.js';

/** Small pieces for the same descriptor are written together. */
const JOIN = 256 * 1024;

/** More than this waits for the reader. */
const ENOUGH = 4 * 1024 * 1024;

interface Piece {
  readonly fd: 1 | 2;
  readonly bytes: Uint8Array;
}

/** A struct pollfd that waits for room. */
function pollFor(fd: number): Uint8Array {
  return new Uint8Array(Int32Array.of(fd, 4).buffer); // POLLOUT
}

export class Writer {
  #queue: Piece[] = [];
  #waiting = 0;
  #writing: Promise<void> | undefined;
  #room: (() => void)[] = [];
  /** Why no more can be written. */
  failure: Failure | undefined;
  /** Called once, when there is a failure. */
  onFailure: () => void = () => {};
  /** Called around what is written, for who else uses the terminal. */
  around: (write: () => Promise<void>) => Promise<void> = (write) => write();

  write(fd: 1 | 2, bytes: Uint8Array): void {
    if (bytes.length === 0 || this.failure !== undefined) return;
    this.#queue.push({ fd, bytes });
    this.#waiting += bytes.length;
    this.#writing ??= this.#writeAll();
  }

  /** Whether the reader is slower than the jobs. */
  get isFull(): boolean {
    return this.#waiting > ENOUGH && this.failure === undefined;
  }

  /** Resolves once there is room again. */
  room(): Promise<void> {
    if (!this.isFull) return Promise.resolve();
    return new Promise((resolve) => this.#room.push(resolve));
  }

  /** Resolves once all is written, or nothing can be. */
  async flushed(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  async #writeAll(): Promise<void> {
    await undefined; // what is written in this turn goes together
    await this.around(async () => {
      while (this.#queue.length > 0) {
        const { fd, bytes } = this.#next();
        await this.#writeOne(fd, bytes);
        this.#waiting -= bytes.length;
        if (!this.isFull) for (const resolve of this.#room.splice(0)) resolve();
      }
    });
    this.#writing = this.#queue.length > 0 ? this.#writeAll() : undefined;
  }

  #next(): Piece {
    const { fd } = this.#queue[0] as Piece;
    let size = 0;
    let count = 0;
    for (const piece of this.#queue) {
      if (piece.fd !== fd || (count > 0 && size + piece.bytes.length > JOIN)) break;
      size += piece.bytes.length;
      count += 1;
    }
    const pieces = this.#queue.splice(0, count);
    if (count === 1) return pieces[0] as Piece;
    return { fd, bytes: Buffer.concat(pieces.map(({ bytes }) => bytes)) };
  }

  async #writeOne(fd: 1 | 2, bytes: Uint8Array): Promise<void> {
    for (let left = bytes; left.length > 0 && this.failure === undefined; ) {
      const { r1, errno } = await syscallLater(SYS.write, fd, left, left.length);
      if (errno === 0) left = left.subarray(Number(r1));
      else if (errno === E.EAGAIN) await syscallLater(SYS.poll ?? -1, pollFor(fd), 1, -1);
      else if (errno !== E.EINTR) this.#fail(fd, errno);
    }
  }

  #fail(fd: 1 | 2, errno: number): void {
    this.failure = new Failure(`${fd === 1 ? 'stdout' : 'stderr'}: ${errorMessage(errno)}`);
    this.#queue = [];
    for (const resolve of this.#room.splice(0)) resolve();
    this.onFailure();
  }
}
