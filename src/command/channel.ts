/**
 * Reading and writing a descriptor that does not block, with the spawner's word when to try again.
 *
 * The same on every runtime: nothing here is the runtime's own I/O.
 *
 * @module
 */
import { completions, type NativeChannel, native } from '../native.js';
import { attempt, close } from '../syscall/call.js';
import { EPOLL, SOCK } from '../syscall/constants.js';
import { SystemError } from '../syscall/errors.js';
import { readSome, writeSome } from './io.js';

/** A megabyte, with a pipe of the default size. */
const READS_A_TURN = 16;

/** Our end of a pipe or a socket. */
export class Channel {
  readonly #fd: number;
  readonly #native: NativeChannel;
  readonly #token: number;
  #onReadable: (() => void) | undefined;
  #onWritable: (() => void) | undefined;
  #onHangUp: (() => void) | undefined;
  #onClosed: (() => void) | undefined;
  /** Since it was last found ready. */
  #reads = 0;
  #closed = false;
  #retained = false;
  #referenced = true;

  /** Takes over `fd`. */
  constructor(fd: number) {
    this.#fd = fd;
    this.#token = completions.register((row, at) => this.#ready(row[at + 2] as number));
    const channel = native.openChannel(fd, true, this.#token);
    if (typeof channel === 'number') {
      completions.forget(this.#token);
      close(fd);
      throw new SystemError('epoll_ctl', channel);
    }
    this.#native = channel;
  }

  get fd(): number {
    return this.#fd;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** As `readSome`; and nothing after a while, so that others have their turn of the event loop. */
  read(): Buffer | undefined | null {
    if (this.#reads++ >= READS_A_TURN) return undefined;
    return readSome(this.#fd);
  }

  /** As `writeSome`. */
  write(bytes: Uint8Array): number {
    return writeSome(this.#fd, bytes);
  }

  /** The other side of a socket reads its end. */
  endWriting(): void {
    attempt('shutdown', this.#fd, SOCK.SHUT_WR);
  }

  /** Calls back once there is something to read, or the end. */
  onceReadable(callback: () => void): void {
    this.#onReadable = callback;
    this.#arm();
  }

  /** Calls back once there is room to write, or nobody who reads. */
  onceWritable(callback: () => void): void {
    this.#onWritable = callback;
    this.#arm();
  }

  /** Calls back once nobody reads what is written any more. Does not keep the event loop alive. */
  onceHangUp(callback: () => void): void {
    this.#onHangUp = callback;
    this.#arm();
  }

  /** Calls back when it is closed here. */
  onceClosed(callback: () => void): void {
    this.#onClosed = callback;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClosed?.();
    completions.forget(this.#token);
    native.closeChannel(this.#native);
    this.#retain(false);
  }

  /** Whether waiting for it keeps the event loop alive. */
  reference(referenced: boolean): void {
    this.#referenced = referenced;
    this.#retain(this.#onReadable !== undefined || this.#onWritable !== undefined);
  }

  #arm(): void {
    if (this.#closed) return;
    let events = 0;
    if (this.#onReadable !== undefined) events |= EPOLL.EPOLLIN;
    if (this.#onWritable !== undefined) events |= EPOLL.EPOLLOUT;
    this.#retain(events !== 0);
    // Without events a hang-up is reported all the same.
    if (events !== 0 || this.#onHangUp !== undefined) native.armChannel(this.#native, events);
  }

  #ready(events: number): void {
    this.#reads = 0;
    const failed = (events & (EPOLL.EPOLLHUP | EPOLL.EPOLLERR)) !== 0;
    const readable = failed || (events & EPOLL.EPOLLIN) !== 0 ? this.#onReadable : undefined;
    const writable = failed || (events & EPOLL.EPOLLOUT) !== 0 ? this.#onWritable : undefined;
    if (readable !== undefined) this.#onReadable = undefined;
    if (writable !== undefined) this.#onWritable = undefined;
    const hangUp = failed ? this.#onHangUp : undefined;
    if (failed) this.#onHangUp = undefined;
    readable?.();
    writable?.();
    hangUp?.();
    this.#arm();
  }

  #retain(wanted: boolean): void {
    const retain = wanted && this.#referenced && !this.#closed;
    if (retain === this.#retained) return;
    this.#retained = retain;
    if (retain) completions.retain();
    else completions.release();
  }
}
