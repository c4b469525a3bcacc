/**
 * From the options of a command to the descriptors of its process.
 *
 * @module
 */
import type { DescriptorSource } from '../launch/attribute.js';
import { LaunchError, lateError } from '../launch/error.js';
import { isBag } from '../launch/values.js';
import { MAX_FD } from '../process/start.js';
import { close } from '../syscall/call.js';
import { checkBoolean, checkInteger, checkPath, invalid } from '../syscall/check.js';
import { O } from '../syscall/constants.js';
import { isThreadError, type SystemError } from '../syscall/errors.js';
import { openFile, openFileSync } from '../syscall/open.js';
import type { LaunchLimit } from './launch-limit.js';
import type { FileStdio, SpawnOptions, Stdio } from './options.js';
import { type Blame, openPipe, openSocketPair } from './pipe.js';
import { checkStreams, isSink, isSource, type Sink, type Source } from './transfer.js';

/** What each descriptor of the child is to be. */
export type StdioPlan = ReadonlyMap<number, Stdio>;

/** Our end of a pipe or socket. It does not block, and is ours to close. */
export interface End {
  readonly fd: number;
  readonly kind: 'reader' | 'writer' | 'socket';
  /** The stream of the options that is at this end; none for `'pipe'`. */
  readonly attached?: Source | Sink | undefined;
}

/** Descriptors that exist. */
export interface Connections {
  readonly descriptors: Map<number, DescriptorSource>;
  /** The child's ends, of no use here once it runs. */
  readonly closeAfter: number[];
  /** Our ends, by the child's descriptor. */
  readonly ends: Map<number, End>;
}

const NAMES = ['stdin', 'stdout', 'stderr'] as const;
const ACCESS = { read: O.O_RDONLY, write: O.O_WRONLY, readwrite: O.O_RDWR } as const;
const WORDS = new Set(['inherit', 'null', 'pipe', 'stdout', 'socket']);

export function isFile(stdio: Stdio): stdio is FileStdio {
  return typeof stdio === 'object' && 'file' in stdio && !isSource(stdio) && !isSink(stdio);
}

function checkStdio(option: string, fd: number, value: Stdio): Stdio {
  if (typeof value === 'number') return checkInteger(option, value, 0, MAX_FD);
  const known =
    typeof value === 'string'
      ? WORDS.has(value) && (value !== 'stdout' || fd === 2)
      : typeof value === 'object' &&
        value !== null &&
        (isSource(value) || isSink(value) || 'file' in value);
  if (!known) {
    const words = fd === 2 ? "'null', 'pipe', 'stdout', 'socket'" : "'null', 'pipe', 'socket'";
    throw invalid(option, value, `'inherit', ${words}, a descriptor, { file } or a stream`);
  }
  if (fd === 0 && isSink(value) && !isSource(value)) {
    throw invalid(option, value, 'something to read from');
  }
  if ((fd === 1 || fd === 2) && isSource(value) && !isSink(value)) {
    throw invalid(option, value, 'something to write to');
  }
  if (isFile(value)) checkFile(option, fd, value);
  else checkStreams(option, value);
  return value;
}

/** What the options ask for, checked. */
export function planStdio(
  options: SpawnOptions,
  defaults: readonly [Stdio, Stdio, Stdio],
): StdioPlan {
  const plan = new Map<number, Stdio>();
  for (const [fd, name] of NAMES.entries()) {
    plan.set(fd, checkStdio(name, fd, options[name] ?? (defaults[fd] as Stdio)));
  }
  const { fds = {} } = options;
  if (!isBag(fds)) throw invalid('fds', fds, 'an object');
  for (const [key, value] of Object.entries(fds)) {
    const fd = checkInteger('fds', Number(key), 3, MAX_FD);
    plan.set(fd, checkStdio(`fds.${key}`, fd, value));
  }
  return plan;
}

function checkFile(option: string, fd: number, stdio: FileStdio): void {
  const { access, append, mode } = stdio;
  checkPath(`${option}.file`, stdio.file);
  // Nothing says of a descriptor above 2 that it is for writing, and a guess would empty the file.
  if (fd > 2 && access === undefined && append !== true) {
    throw invalid(
      `${option}.access`,
      access,
      "'read', 'write' or 'readwrite', or append: true given",
    );
  }
  if (access !== undefined && !Object.hasOwn(ACCESS, access)) {
    throw invalid(`${option}.access`, access, `one of ${Object.keys(ACCESS).join(', ')}`);
  }
  if (append !== undefined) checkBoolean(`${option}.append`, append);
  if (mode !== undefined) checkInteger(`${option}.mode`, mode, 0, 0o7777);
}

interface OpenRequest {
  readonly fd: number;
  readonly path: string;
  readonly flags: number;
  readonly mode: number;
}

/** The files to open, each once. */
function openRequests(plan: StdioPlan): OpenRequest[] {
  const requests: OpenRequest[] = [];
  for (const [fd, stdio] of plan) {
    if (!isFile(stdio)) continue;
    const access = stdio.access ?? (fd === 0 ? 'read' : 'write');
    let flags = O.O_NOCTTY;
    if (access !== 'read') flags |= O.O_CREAT | (stdio.append ? O.O_APPEND : 0);
    if (access === 'write' && !stdio.append) flags |= O.O_TRUNC; // what is also read is kept
    flags |= ACCESS[access];
    const path = checkPath(`${NAMES[fd] ?? `fds.${fd}`}.file`, stdio.file);
    requests.push({ fd, path, flags, mode: stdio.mode ?? 0o666 });
  }
  return requests;
}

function openError(path: string, { errno }: SystemError, blame: Blame): LaunchError {
  return new LaunchError({ name: 'open', argument: path }, errno, blame.file, blame.args);
}

/** What files are opened for. */
interface Opening extends Blame {
  readonly stdio: StdioPlan;
}

/** A descriptor that comes later, or the error for having given it up before. */
function openUntil(
  path: string,
  opening: Promise<number>,
  blame: Blame,
  limit: LaunchLimit | undefined,
): Promise<number> {
  if (limit === undefined) return opening;
  return new Promise<number>((resolve, reject) => {
    let isOver = false;
    const release = limit.during((errno) => {
      isOver = true;
      reject(lateError({ name: 'open', argument: path }, errno, blame.file, blame.args));
    });
    const settle = (fd: number): void => {
      release();
      if (isOver) close(fd);
      else resolve(fd);
    };
    opening.then(settle, (error: unknown) => {
      release();
      reject(error);
    });
  });
}

/** Opens the files of a plan off the event loop. Their descriptors are the caller's to close. */
export async function openFiles(
  opening: Opening,
  limit?: LaunchLimit,
): Promise<Map<number, number>> {
  const opened = new Map<number, number>();
  try {
    for (const { fd, path, flags, mode } of openRequests(opening.stdio)) {
      const file = openFile(path, flags, mode).catch((error: SystemError) => {
        throw isThreadError(error) ? error : openError(path, error, opening);
      });
      opened.set(fd, await openUntil(path, file, opening, limit));
    }
    return opened;
  } catch (error) {
    for (const fd of opened.values()) close(fd);
    throw error;
  }
}

/** As `openFiles`, at once. */
export function openFilesSync(opening: Opening): Map<number, number> {
  const opened = new Map<number, number>();
  for (const { fd, path, flags, mode } of openRequests(opening.stdio)) {
    try {
      opened.set(fd, openFileSync(path, flags, mode));
    } catch (error) {
      for (const other of opened.values()) close(other);
      throw openError(path, error as SystemError, opening);
    }
  }
  return opened;
}

/** Makes the pipes of a plan. Whatever comes of it, `opened` is taken over. */
export function connect(opening: Opening, opened: ReadonlyMap<number, number>): Connections {
  const connections: Connections = {
    descriptors: new Map(),
    closeAfter: [...opened.values()],
    ends: new Map(),
  };
  try {
    for (const [fd, stdio] of opening.stdio) connectOne(fd, stdio, opened, connections, opening);
    return connections;
  } catch (error) {
    disconnect(connections);
    throw error;
  }
}

function connectOne(
  fd: number,
  stdio: Stdio,
  opened: ReadonlyMap<number, number>,
  { descriptors, closeAfter, ends }: Connections,
  blame: Blame,
): void {
  if (stdio === 'pipe' || stdio === 'socket') {
    const kind = stdio === 'socket' ? 'socket' : fd === 0 ? 'writer' : 'reader';
    const { ours, childs } =
      kind === 'socket' ? openSocketPair(blame) : openPipe(kind === 'writer', blame);
    closeAfter.push(childs);
    descriptors.set(fd, childs);
    ends.set(fd, { fd: ours, kind });
  } else if (typeof stdio === 'object' && !isFile(stdio)) {
    // A stream that is both is what the descriptor's direction makes of it.
    const childReads = fd === 0 || (fd > 2 && !isSink(stdio));
    const { ours, childs } = openPipe(childReads, blame);
    closeAfter.push(childs);
    descriptors.set(fd, childs);
    ends.set(fd, {
      fd: ours,
      kind: childReads ? 'writer' : 'reader',
      attached: stdio as Source | Sink,
    });
  } else if (stdio === 'stdout') {
    const source = descriptors.get(1) as DescriptorSource;
    descriptors.set(fd, source === 'inherit' ? 1 : source);
  } else {
    descriptors.set(fd, isFile(stdio) ? (opened.get(fd) as number) : stdio);
  }
}

/** Closes everything that a launch that did not happen leaves. */
export function disconnect({ closeAfter, ends }: Connections): void {
  for (const fd of closeAfter) close(fd);
  for (const end of ends.values()) close(end.fd);
}
