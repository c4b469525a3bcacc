/**
 * Pairs of local sockets, and messages with descriptors.
 *
 * @module
 */
import { native } from '../native.js';
import { call } from './call.js';
import { checkInt, checkInteger, checkUnsigned, invalid } from './check.js';
import { SOCK } from './constants.js';
import { SystemError } from './errors.js';

/** SCM_MAX_FD of Linux. */
const MOST_DESCRIPTORS = 253;
const MAX_SIZE = 2 ** 30;

/** The sizes of the buffers of a socket, in bytes. Linux doubles them for its own needs: socket(7). */
export interface SocketBuffers {
  /** SO_SNDBUF. Default: that of the system. */
  readonly sendBuffer?: number | undefined;
  /** SO_RCVBUF. Default: that of the system. */
  readonly receiveBuffer?: number | undefined;
}

/** What came with a message. */
export interface ReceivedMessage {
  /** How many bytes were written to the buffer; 0 at the end of a stream. */
  readonly length: number;
  /** New descriptors with close-on-exec, the caller's to close. */
  readonly fds: readonly number[];
  /** Of `SOCK`: MSG_TRUNC when the message was longer, MSG_CTRUNC when descriptors were dropped. */
  readonly flags: number;
}

function bytesOf(bytes: ArrayBufferView): Uint8Array {
  if (!ArrayBuffer.isView(bytes)) throw invalid('bytes', bytes, 'a Buffer, TypedArray or DataView');
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function sizeOf(name: string, size: number | undefined): number | undefined {
  return size === undefined ? undefined : checkInteger(name, size, 1, MAX_SIZE);
}

/**
 * Makes two local sockets that are connected to each other.
 *
 * @param type of `SOCK`: SOCK_STREAM, SOCK_SEQPACKET or SOCK_DGRAM, with SOCK_CLOEXEC and
 * SOCK_NONBLOCK. Default: SOCK_STREAM | SOCK_CLOEXEC.
 * @param buffers of both sockets.
 * @throws SystemError EMFILE, ENFILE, EPROTONOSUPPORT.
 * @see socketpair(2), unix(7)
 */
export function socketpair(
  type: number = SOCK.SOCK_STREAM | SOCK.SOCK_CLOEXEC,
  buffers: SocketBuffers = {},
): [first: number, second: number] {
  if (typeof buffers !== 'object' || buffers === null)
    throw invalid('buffers', buffers, 'an object');
  const pair = new Int32Array(2);
  const send = sizeOf('sendBuffer', buffers.sendBuffer);
  const receive = sizeOf('receiveBuffer', buffers.receiveBuffer);
  call('socketpair', SOCK.AF_UNIX, checkUnsigned('type', type), 0, pair);
  const [first, second] = pair as unknown as [number, number];
  for (const fd of [first, second]) setBuffers(fd, send, receive);
  return [first, second];
}

function setBuffers(fd: number, send: number | undefined, receive: number | undefined): void {
  if (send === undefined && receive === undefined) return;
  // A new socket takes any size.
  native.setSocketBuffers(fd, send ?? (receive as number), receive ?? (send as number));
}

/**
 * Ends reading, writing or both on a connected socket, for every copy of its descriptor.
 *
 * @param how of `SOCK`: SHUT_RD, SHUT_WR, SHUT_RDWR.
 * @throws SystemError ENOTCONN, ENOTSOCK, EBADF, EINVAL.
 * @see shutdown(2)
 */
export function shutdown(fd: number, how: number): void {
  call('shutdown', checkInt('fd', fd), checkInt('how', how));
}

/**
 * Sends bytes and copies of descriptors through a local socket, on the calling thread. A stream may
 * take fewer bytes; the descriptors go with the first one. Returns the number of bytes.
 *
 * @param fds at most 253; they stay open here. A stream sends them with at least one byte.
 * @param flags of `SOCK`: MSG_DONTWAIT, MSG_EOR. MSG_NOSIGNAL is always added.
 * @throws SystemError EAGAIN for a nonblocking socket without room; EPIPE, ECONNRESET, EMSGSIZE;
 * EBADF for a descriptor that is closed; ETOOMANYREFS.
 * @see sendmsg(2), SCM_RIGHTS of unix(7)
 */
export function sendMessage(
  fd: number,
  bytes: ArrayBufferView,
  fds: readonly number[] = [],
  flags = 0,
): number {
  if (!Array.isArray(fds)) throw invalid('fds', fds, 'an array of descriptors');
  checkInteger('fds.length', fds.length, 0, MOST_DESCRIPTORS);
  const list = fds.map((each, index) => checkInteger(`fds[${index}]`, each, 0, 2 ** 31 - 1));
  const numbers = list.length === 0 ? undefined : Int32Array.from(list);
  const view = bytesOf(bytes);
  const sent = native.sendMessage(checkInt('fd', fd), view, numbers, checkInt('flags', flags));
  if (sent < 0) throw new SystemError('sendmsg', -sent);
  return sent;
}

/**
 * Receives bytes and descriptors from a local socket, on the calling thread.
 *
 * @param most how many descriptors are taken, at most 253; others are closed. Default: 16.
 * @param flags of `SOCK`: MSG_DONTWAIT, MSG_PEEK. MSG_CMSG_CLOEXEC is always added.
 * @throws SystemError EAGAIN for a nonblocking socket without a message; ECONNRESET, EBADF, ENOTSOCK.
 * @see recvmsg(2), SCM_RIGHTS of unix(7)
 */
export function receiveMessage(
  fd: number,
  bytes: ArrayBufferView,
  most = 16,
  flags = 0,
): ReceivedMessage {
  checkInteger('most', most, 0, MOST_DESCRIPTORS);
  const result = new Int32Array(2 + most);
  const view = bytesOf(bytes);
  const length = native.receiveMessage(checkInt('fd', fd), view, result, checkInt('flags', flags));
  if (length < 0) throw new SystemError('recvmsg', -length);
  const [count = 0, given = 0] = result;
  return { length, fds: Array.from(result.subarray(2, 2 + count)), flags: given };
}
