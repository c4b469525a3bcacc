/**
 * The input of a command that is run synchronously.
 *
 * @module
 */
import { close } from '../syscall/call.js';
import { SystemError } from '../syscall/errors.js';
import { fillsPipe, growPipe, writeSome } from './io.js';

/** What is written to stdin. */
export class Feed {
  fd: number;
  /** Why no more could be written. */
  error: SystemError | undefined;
  #left: Uint8Array;

  constructor(fd: number, bytes: Uint8Array) {
    this.fd = fd;
    this.#left = bytes;
    if (fillsPipe(bytes)) growPipe(fd);
    this.write();
  }

  /** Writes as much as can be now. */
  write(): void {
    while (this.fd >= 0) {
      const count = this.#left.length === 0 ? -1 : this.#writeSome();
      if (count === 0) return;
      if (count < 0) this.close();
      else this.#left = this.#left.subarray(count);
    }
  }

  close(): void {
    if (this.fd >= 0) close(this.fd);
    this.fd = -1;
  }

  /** An error is told with the result: the child runs, and is not to be left for it. */
  #writeSome(): number {
    try {
      return writeSome(this.fd, this.#left);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      this.error = error;
      return -1;
    }
  }
}
