/**
 * The descriptors of a child, from the entries that Node's functions make of `stdio`.
 *
 * @module
 */
import { type Blame, openPipe, openSocketPair, type PipeEnds } from '../command/pipe.js';
import type { DescriptorSource } from '../launch/attribute.js';
import { LaunchError } from '../launch/error.js';
import { native } from '../native.js';
import { attempt, attemptOpen, close } from '../syscall/call.js';
import { AT, E, F, O } from '../syscall/constants.js';
import { SystemError } from '../syscall/errors.js';
import type { StdioEntry, StreamHandle } from './node.js';

/** Our end of a pipe, and the stream that is to have it. */
interface End {
  readonly fd: number;
  /** The number that the child has the other end as. */
  readonly number: number;
  readonly handle: StreamHandle | undefined;
}

/** What was opened for a launch. */
export interface Opened {
  readonly descriptors: Map<number, DescriptorSource>;
  readonly ends: End[];
  /** Descriptors of the child, to be closed here once it has them. */
  readonly closeAfter: number[];
  /** Descriptors of the child that were lent to it, of 0 to 2. */
  readonly blocking: number[];
}

/** The size of both buffers of a socket. */
const BUFFER_SIZE = 64 * 1024;
/**
 * Node's are sockets, where a child can write more before it waits than a pipe holds. A child that
 * exits without waiting for its output is to lose no more of it.
 */
const PIPE_SIZE = 256 * 1024;

/** Whom no error names: it becomes a number. */
const NOBODY: Blame = { file: '', args: [] };

function growPipe({ ours }: PipeEnds): void {
  const { F_SETPIPE_SZ }: { F_SETPIPE_SZ?: number } = F; // Linux has it alone
  if (F_SETPIPE_SZ !== undefined) attempt('fcntl', ours, F_SETPIPE_SZ, PIPE_SIZE);
}

function setBuffers({ ours, childs }: PipeEnds): void {
  for (const fd of [ours, childs]) native.setSocketBuffers(fd, BUFFER_SIZE, BUFFER_SIZE);
}

/** Both ends, or -errno. */
function open(number: number, isPipe: boolean): PipeEnds | number {
  try {
    const ends = isPipe ? openPipe(number === 0, NOBODY) : openSocketPair(NOBODY);
    if (!isPipe) setBuffers(ends);
    else if (number !== 0) growPipe(ends);
    return ends;
  } catch (error) {
    if (error instanceof SystemError || error instanceof LaunchError) return -error.errno;
    throw error;
  }
}

/** Adds a pipe or a pair of sockets; returns 0 or -errno. */
function addPipe(
  opened: Opened,
  number: number,
  { handle, ipc }: StdioEntry,
  sync: boolean,
): number {
  const isPipe = sync || (number < 3 && ipc !== true);
  const ends = open(number, isPipe);
  if (typeof ends === 'number') return ends;
  opened.ends.push({ fd: ends.ours, number, handle });
  opened.closeAfter.push(ends.childs);
  opened.descriptors.set(number, ends.childs);
  return 0;
}

/** /dev/null; on 0 it can only be read. */
function addNull(opened: Opened, number: number): number {
  if (number > 2) return 0;
  if (number > 0) {
    opened.descriptors.set(number, 'null');
    return 0;
  }
  const fd = attemptOpen('openat', AT.AT_FDCWD, '/dev/null', O.O_RDONLY | O.O_CLOEXEC);
  if (fd < 0) return fd;
  opened.closeAfter.push(fd);
  opened.descriptors.set(number, fd);
  return 0;
}

/** A descriptor of this process; returns 0 or -errno. */
function addOwn(opened: Opened, number: number, fd: number | undefined): number {
  if (fd === undefined || fd < 0) return -E.EINVAL;
  opened.descriptors.set(number, fd);
  if (number <= 2) opened.blocking.push(number);
  return 0;
}

function add(opened: Opened, number: number, entry: StdioEntry, sync: boolean): number {
  if (entry.type === 'pipe' || entry.type === 'overlapped') {
    return addPipe(opened, number, entry, sync);
  }
  if (entry.type === 'ignore') return addNull(opened, number);
  if (entry.type === 'wrap') return addOwn(opened, number, entry.handle?.fd);
  return addOwn(opened, number, entry.fd);
}

/** Closes all of it. */
export function closeAll({ ends, closeAfter }: Opened): void {
  for (const { fd } of ends) close(fd);
  for (const fd of closeAfter) close(fd);
}

/** Opens what the child is to have; or -errno, and then nothing is open. */
export function openStdio(stdio: readonly StdioEntry[], sync: boolean): Opened | number {
  const opened: Opened = { descriptors: new Map(), ends: [], closeAfter: [], blocking: [] };
  for (const [number, entry] of stdio.entries()) {
    const result = add(opened, number, entry, sync);
    if (result < 0) {
      closeAll(opened);
      return result;
    }
  }
  // As libuv: a child without an entry for one of them gets /dev/null there.
  for (let number = stdio.length; number < 3; number++) addNull(opened, number);
  return opened;
}
