/**
 * Memory whose address is known, for structs that point to other memory (`struct iovec`): what lies
 * in an ArrayBuffer has no address that JavaScript could write down.
 *
 * @module
 */
import { call, close } from './call.js';
import { MFD } from './constants.js';

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;

/**
 * Calls `use` with the address of a copy of `bytes`, which is valid until it returns; what was
 * written there meanwhile is then in `bytes`.
 */
export function withAddress<T>(bytes: Uint8Array, use: (address: number) => T): T {
  // The same pages as a file and as memory: one is written here, the other has an address.
  const fd = call('memfd_create', 'forkexec', MFD.MFD_CLOEXEC);
  try {
    const size = bytes.byteLength;
    call('pwrite64', fd, bytes, size, 0);
    const address = call('mmap', 0, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    try {
      return use(address);
    } finally {
      call('munmap', address, size);
      call('pread64', fd, bytes, size, 0);
    }
  } finally {
    close(fd);
  }
}
