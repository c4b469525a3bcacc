/**
 * Reading and writing a descriptor that does not block, with the watcher's word when to try again.
 *
 * The same on every runtime: nothing here is the runtime's own I/O.
 *
 * @module
 */
import { AsyncResource } from 'node:async_hooks';
import { completions, type NativeChannel, native } from '../native.js';
import { EVENT, READY } from '../protocol.js';
import { attempt, close } from '../syscall/call.js';
import { E, POLL, SOCK } from '../syscall/constants.js';
import { SystemError, threadError } from '../syscall/errors.js';
import { clearImmediate, clearTimeout, setImmediate, setTimeout } from '../time.js';
import { growPipe, isHeld, LARGEST_BUFFER, readSome, writeSome } from './io.js';

/** Then others have their turn of the event loop. */
const BYTES_A_TURN = 1024 * 1024;

/** How much `take` takes at once. */
export const MOST_TAKEN: number = 64 * 1024;

let scratchBytes: Buffer | undefined;

/** Where the bytes are put first: how many there are is known then. */
const scratch = (): Buffer => (scratchBytes ??= Buffer.allocUnsafeSlow(MOST_TAKEN));

/** Milliseconds between tries where the system does not tell that a descriptor is ready. */
const RETRY_EVERY = 20;

/** Our end of a pipe or a socket. */
export class Channel {
  readonly #fd: number;
  readonly #native: NativeChannel;
  readonly #token: number;
  #onReadable: (() => void) | undefined;
  #onWritable: (() => void) | undefined;
  #onHangUp: (() => void) | undefined;
  #onClosed: (() => void) | undefined;
  /** Bytes that were read since it last waited for the event loop to come round. */
  #taken = 0;
  #pause: NodeJS.Immediate | undefined;
  /** What is left of it since it was cut off. */
  #rest: Buffer[] = [];
  #grown = false;
  #isQuiet = false;
  #closed = false;
  /** The watcher reads, and says so on its own. */
  #isPumped = false;
  #retained = false;
  #timer: NodeJS.Timeout | undefined;
  #referenced = true;

  /** Takes over `fd`. */
  constructor(fd: number) {
    this.#fd = fd;
    // Not by its `bind`, which makes a deprecation each time.
    const resource = new AsyncResource('forkexec');
    this.#token = completions.register((row, at) => {
      resource.runInAsyncScope(this.#ready, this, row[at + READY.events] as number);
    });
    const channel = native.openChannel(fd, true, this.#token);
    if (channel < 0) {
      completions.forget(this.#token);
      close(fd);
      throw threadError('epoll_ctl', -channel);
    }
    this.#native = channel;
  }

  get fd(): number {
    return this.#fd;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * As `readSome`; and nothing after a while, so that others have their turn of the event loop. Once
   * closed, what it was cut off with, and then its end.
   */
  read(): Buffer | undefined | null {
    if (this.#closed) return this.#rest.shift() ?? null;
    if (this.#taken >= BYTES_A_TURN) return undefined;
    const bytes = readSome(this.#fd);
    this.#taken += bytes?.length ?? 0;
    // Whoever takes as much is fast; the child of a slow reader is to wait before it has written more.
    if (this.#taken >= BYTES_A_TURN) this.grow();
    return bytes;
  }

  /**
   * Takes what the watcher has read, which reads on by itself from the first call on. undefined for
   * nothing yet, and `onceReadable` calls back when there is; null at the end. `last`: it reads no more
   * until this is called without, so that all that is left can be read here.
   *
   * @throws SystemError when reading failed.
   */
  take(last = false): Buffer | undefined | null {
    if (this.#closed) return null;
    this.#isPumped = true;
    const count = native.takeChannel(this.#native, scratch(), last);
    if (count > 0) return Buffer.from(scratch().subarray(0, count));
    if (count === -E.EIO) return null;
    if (count < 0) throw new SystemError('read', -count);
    return undefined;
  }

  /** Whether there is something to read although it is closed. */
  get hasRest(): boolean {
    return this.#rest.length > 0;
  }

  /** Whether others have the other side open. */
  get held(): boolean {
    return !this.#closed && isHeld(this.#fd);
  }

  /** Closes it; what is in it now can still be read, and nothing follows. */
  cutOff(): void {
    if (this.#closed) return;
    // No more than there can be: whoever still writes is not waited for.
    try {
      for (let room = LARGEST_BUFFER; room > 0; ) {
        const bytes = readSome(this.#fd);
        if (bytes === undefined || bytes === null) break;
        room -= bytes.length;
        this.#rest.push(bytes);
      }
    } catch {
      // what can't be read any more is cut off as well
    }
    const readable = this.#onReadable;
    this.close();
    readable?.();
  }

  /**
   * The child has ended: as soon as no other process has the other side open, what is left to be read
   * is taken into memory, and the descriptor given back.
   */
  settle(kind: 'reader' | 'writer' | 'socket'): void {
    if (this.held) this.onceHangUp(() => this.settle(kind));
    else if (kind === 'writer') this.close();
    else this.cutOff();
  }

  /** More is to come or to go than a pipe holds. */
  grow(): void {
    if (!this.#grown) growPipe(this.#fd);
    this.#grown = true;
  }

  /** As `writeSome`. */
  write(bytes: Uint8Array): number {
    return writeSome(this.#fd, bytes);
  }

  /** The other side of a socket reads its end. */
  endWriting(): void {
    attempt('shutdown', this.#fd, SOCK.SHUT_WR);
  }

  /**
   * Calls back once there is something to read, or the end. `quiet`: of an end without anything to read it
   * tells only when this is called again without; the child is about to end, which wakes this thread anyway.
   */
  onceReadable(callback: () => void, quiet = false): void {
    this.#onReadable = callback;
    this.#isQuiet = quiet;
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

  /** Closes it, and before it the descriptor `other`, whose end is not to be reported here. */
  close(other = -1): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClosed?.();
    clearImmediate(this.#pause);
    clearTimeout(this.#timer);
    completions.forget(this.#token);
    native.closeChannel(this.#native, other);
    this.#retain(false);
  }

  /** Whether waiting for it keeps the event loop alive. */
  reference(referenced: boolean): void {
    this.#referenced = referenced;
    this.#retain(this.#awaited);
  }

  get #awaited(): boolean {
    return this.#onReadable !== undefined || this.#onWritable !== undefined;
  }

  #arm(): void {
    if (this.#closed) return;
    this.#retain(this.#awaited);
    let events = this.#onWritable === undefined ? 0 : POLL.POLLOUT;
    if (this.#onReadable !== undefined && !this.#isPumped) {
      if (this.#taken < BYTES_A_TURN) events |= POLL.POLLIN;
      else this.#awaitTurn();
    }
    if (this.#isQuiet && events === POLL.POLLIN && this.#onHangUp === undefined) {
      events |= EVENT.quiet;
    }
    // Without events a hang-up is reported all the same.
    if (events === 0 && this.#onHangUp === undefined) return;
    // The kernel is out of memory, say: then it is tried now and then, as if it were ready.
    if (native.armChannel(this.#native, events) !== 0) this.#retry(events);
  }

  #retry(events: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ready(events), RETRY_EVERY);
  }

  /** That it is ready may be told several times in one turn, as fast as the child writes. */
  #awaitTurn(): void {
    this.#pause ??= setImmediate(() => {
      this.#pause = undefined;
      this.#taken = 0;
      this.#arm();
    });
  }

  #ready(events: number): void {
    const failed = (events & (POLL.POLLHUP | POLL.POLLERR)) !== 0;
    const readable = failed || (events & POLL.POLLIN) !== 0 ? this.#onReadable : undefined;
    const writable = failed || (events & POLL.POLLOUT) !== 0 ? this.#onWritable : undefined;
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

/** A channel, or what stands for one: a stream of a job on another machine. */
export type PipeEnd = Pick<Channel, Exclude<keyof Channel, 'take'>>;
