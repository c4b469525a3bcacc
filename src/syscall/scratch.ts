/**
 * Memory with a known address, for structs that point to other memory (`struct iovec`): JavaScript
 * cannot learn the address of an ArrayBuffer.
 *
 * @module
 */
import { call, callOpen, close } from './call.js';
import { MFD } from './constants.js';

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;

/** A copy of bytes at a known address, until it is closed. */
export class Scratch {
  readonly address: number;
  readonly #bytes: Uint8Array;
  readonly #fd: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    // The same pages as a file, which JavaScript can write, and as memory, which has an address.
    this.#fd = callOpen('memfd_create', 'forkexec', MFD.MFD_CLOEXEC);
    try {
      const size = bytes.byteLength;
      call('pwrite64', this.#fd, bytes, size, 0);
      this.address = call('mmap', 0, size, PROT_READ | PROT_WRITE, MAP_SHARED, this.#fd, 0);
    } catch (error) {
      close(this.#fd);
      throw error;
    }
  }

  /** Copies the memory back to the bytes and frees it. */
  close(): void {
    const size = this.#bytes.byteLength;
    call('munmap', this.address, size);
    call('pread64', this.#fd, this.#bytes, size, 0);
    close(this.#fd);
  }
}
