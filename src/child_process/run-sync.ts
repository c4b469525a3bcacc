/**
 * Runs a child of Node's synchronous functions.
 *
 * @module
 */
import { readSome, writeSome } from '../command/io.js';
import { poll } from '../command/run-sync.js';
import { native } from '../native.js';
import { startUnwatched } from '../process/held.js';
import { program } from '../process/launch.js';
import type { Unwatched } from '../process/launching.js';
import { reap } from '../process/reap.js';
import type { ExitStatus } from '../process/status.js';
import { attempt, close } from '../syscall/call.js';
import { E, POLL, SIG } from '../syscall/constants.js';
import { now } from '../time.js';
import { isFailed, isOwn, Launcher } from './launch.js';
import type { StdioEntry } from './node.js';
import type { DropInOptions } from './options.js';
import { type SyncOptions, toRequest } from './request.js';
import { closeAll, openStdio } from './stdio.js';

/** What Node's functions make their results of. */
interface SyncResult {
  /** -errno. */
  error?: number;
  status: number | null;
  signal: string | null;
  /** By descriptor: what was written to each pipe. */
  output: (Buffer | null)[] | null;
  pid: number;
}

/** Milliseconds between looks at a process whose end nothing tells. */
const LOOK_EVERY = 10;

/** Our end of a pipe of the child: what is written to it, or what was read from it. */
class End {
  fd: number;
  /** Undefined for a pipe that is read. */
  input: Uint8Array | undefined;
  readonly chunks: Buffer[] = [];

  constructor(fd: number, input: Uint8Array | undefined) {
    this.fd = fd;
    this.input = input;
  }

  close(): void {
    if (this.fd >= 0) close(this.fd);
    this.fd = -1;
  }
}

/** One run, from the start of the process to its end. */
class Run {
  readonly #child: Unwatched;
  readonly #ends: ReadonlyMap<number, End>;
  readonly #limits: SyncOptions;
  readonly #deadline: number;
  #error = 0;
  #pipeError = 0;
  #size = 0;
  #isKilled = false;

  constructor(child: Unwatched, ends: ReadonlyMap<number, End>, limits: SyncOptions) {
    const { timeout = 0 } = limits;
    this.#child = child;
    this.#ends = ends;
    this.#limits = limits;
    this.#deadline = timeout > 0 ? now() + timeout : Number.POSITIVE_INFINITY;
  }

  /** Waits for the end of the process and of its pipes. */
  finish(): { status: ExitStatus; error: number } {
    const { handle } = this.#child;
    // Readable once the process has ended; negative where nothing tells that.
    const told =
      handle.pidfd < 0 ? native.exitDescriptor(this.#child.token, handle.pid) : handle.pidfd;
    let status: ExitStatus | undefined;
    for (;;) {
      for (const end of this.#ends.values()) this.#serve(end);
      const watched = this.#watched();
      if (status !== undefined && watched.length === 0) break;
      if (status === undefined && told >= 0) watched.push([told, POLL.POLLIN]);
      const until = this.#isKilled ? Number.POSITIVE_INFINITY : this.#deadline;
      const isBlind = status === undefined && told < 0;
      poll(watched, isBlind ? Math.min(until, now() + LOOK_EVERY) : until);
      if (now() >= until) this.#kill(-E.ETIMEDOUT);
      if (status !== undefined || !handle.hasEnded()) continue;
      // What it wrote before its end is there by now.
      status = reap(this.#child);
      if (told >= 0 && told !== handle.pidfd) {
        attempt('read', told, new Uint8Array(1), 1);
        close(told);
      }
      this.#ended = true;
    }
    return { status, error: this.#error || this.#pipeError };
  }

  #ended = false;

  #watched(): [fd: number, events: number][] {
    return [...this.#ends.values()]
      .filter(({ fd }) => fd >= 0)
      .map(({ fd, input }) => [fd, input === undefined ? POLL.POLLIN : POLL.POLLOUT]);
  }

  #serve(end: End): void {
    if (end.fd < 0) return;
    if (end.input === undefined) this.#read(end);
    else this.#write(end, end.input);
  }

  #read(end: End): void {
    const { maxBuffer = 0 } = this.#limits;
    while (end.fd >= 0) {
      const bytes = readSome(end.fd);
      if (bytes === undefined) return;
      if (bytes === null) {
        end.close();
        return;
      }
      end.chunks.push(bytes);
      this.#size += bytes.length;
      if (maxBuffer > 0 && this.#size > maxBuffer) this.#kill(-E.ENOBUFS);
    }
  }

  #write(end: End, input: Uint8Array): void {
    let left = input;
    while (left.length > 0) {
      const count = writeSome(end.fd, left);
      if (count === 0) break;
      if (count < 0) {
        this.#pipeError ||= -E.EPIPE;
        left = new Uint8Array(0);
      } else {
        left = left.subarray(count);
      }
    }
    end.input = left;
    if (left.length === 0) end.close();
  }

  /** One signal, and no more output; the end of the process is waited for all the same. */
  #kill(error: number): void {
    if (this.#isKilled) return;
    this.#isKilled = true;
    this.#error ||= error;
    if (!this.#ended) {
      const { handle } = this.#child;
      const result = handle.signal(this.#limits.killSignal || SIG.SIGTERM);
      if (result < 0 && result !== -E.ESRCH) {
        this.#error = result;
        handle.signal(SIG.SIGKILL);
      }
    }
    // After the signal: a writer whose reader goes first ends of SIGPIPE.
    for (const end of this.#ends.values()) end.close();
  }
}

function outputOf(
  stdio: readonly StdioEntry[],
  ends: ReadonlyMap<number, End>,
): SyncResult['output'] {
  return stdio.map((_, number) => {
    const end = number === 0 ? undefined : ends.get(number);
    return end === undefined ? null : Buffer.concat(end.chunks);
  });
}

function bytesOf(view: ArrayBufferView | undefined): Uint8Array {
  if (view === undefined) return new Uint8Array(0);
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function notStarted(error: number): SyncResult {
  return { error, status: null, signal: null, output: null, pid: 0 };
}

/** Runs a program to its end. */
export function runSync(options: SyncOptions, forkexec: DropInOptions | undefined): SyncResult {
  const request = toRequest(options);
  const launcher = new Launcher(request, forkexec);
  const opened = openStdio(request.stdio, true);
  if (typeof opened === 'number') return notStarted(opened);
  let child: ReturnType<typeof startUnwatched>;
  try {
    child = launcher.run(opened, (ready) => startUnwatched(program(ready)));
  } catch (error) {
    closeAll(opened);
    throw error;
  }
  if (isFailed(child)) {
    closeAll(opened);
    if (isOwn(child, forkexec)) throw child.error();
    return notStarted(-child.errno);
  }
  for (const fd of opened.closeAfter) close(fd);
  const ends = new Map<number, End>();
  for (const { fd, number } of opened.ends) {
    ends.set(number, new End(fd, number === 0 ? bytesOf(request.stdio[0]?.input) : undefined));
  }
  const { pid } = child.handle;
  const { status, error } = new Run(child, ends, options).finish();
  child.loan?.end();
  return {
    ...(error !== 0 && { error }),
    status: status.signal === null ? status.code : null,
    signal: status.signal,
    output: outputOf(request.stdio, ends),
    pid,
  };
}
