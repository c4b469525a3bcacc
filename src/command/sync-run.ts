/**
 * A command that runs while the event loop stands still: one ppoll(2) on its pipes and its pidfd, and
 * no second event loop.
 *
 * @module
 */
import { native } from '../native.js';
import type { Unwatched } from '../process/launch.js';
import { reap, unpin } from '../process/reap.js';
import { isLeft, type Scope, type ScopeTarget, signalScope } from '../process/scope.js';
import type { ExitReason, ExitStatus } from '../process/status.js';
import { attempt, close } from '../syscall/call.js';
import { E, LAYOUT, POLL } from '../syscall/constants.js';
import { SystemError } from '../syscall/errors.js';
import { writeStruct } from '../syscall/layout.js';
import { findSignal } from '../syscall/signals.js';
import { now } from '../time.js';
import { Collected } from './capture.js';
import { holdersOf } from './holders.js';
import { fillsPipe, growPipe, LARGEST_BUFFER, readSome, writeSome } from './io.js';
import type { RunOptions } from './options.js';
import { DEFAULT_MAX_BUFFER, DEFAULT_WAIT_DELAY } from './result.js';
import type { End } from './stdio.js';
import { type StopStep, stopSteps, timeLimit } from './stop.js';

const NEVER = Number.POSITIVE_INFINITY;

/** Milliseconds between looks at processes whose end nothing tells. */
const LOOK_EVERY = 10;

/** One command from its launch to its end. Times are those of `now`. */
export class SyncRun {
  readonly outputs: Map<number, Collected> = new Map();
  readonly #child: Unwatched;
  /** Readable once the process has ended; negative where nothing tells that. */
  readonly #end: number;
  readonly #options: RunOptions;
  readonly #steps: StopStep[];
  /** Who is signalled, also when the process itself has ended. */
  #target: ScopeTarget;
  /** Our descriptors that are still open, by what they are for. */
  readonly #readers = new Map<number, Collected>();
  #writer = -1;
  #input: Uint8Array;
  #status: ExitStatus | undefined;
  #reason: ExitReason | undefined;
  /** When the next rung of the ladder is climbed. */
  #nextStep: number;
  /** When pipes that others hold are given up. */
  #cutOff = NEVER;
  /** When others of the scope are waited for no more. */
  #giveUp = NEVER;
  /** Why it could not be stopped. */
  stopError: unknown = undefined;

  constructor(
    child: Unwatched,
    ends: ReadonlyMap<number, End>,
    options: RunOptions,
    marker: string | undefined,
  ) {
    this.#child = child;
    this.#options = options;
    this.#target = { handle: child.handle, reaped: false, cgroup: child.cgroup, marker };
    const { pid, pidfd } = child.handle;
    this.#end = pidfd < 0 ? native.exitDescriptor(pid) : pidfd;
    this.#steps = stopSteps(options.stop);
    this.#input = options.input as Uint8Array;
    this.#nextStep = now() + timeLimit(options);
    for (const [fd, end] of ends) {
      if (end.kind === 'reader') {
        const output = new Collected(options.maxBuffer ?? DEFAULT_MAX_BUFFER);
        this.outputs.set(fd, output);
        this.#readers.set(end.fd, output);
      } else if (fd === 0 && end.kind === 'writer') {
        this.#writer = end.fd;
        if (fillsPipe(this.#input)) growPipe(end.fd);
        this.#write();
      } else {
        close(end.fd);
      }
    }
  }

  get #scope(): Scope {
    return this.#options.stop?.scope ?? 'process';
  }

  /**
   * Until the process has ended and its pipes too, or `waitDelay` is over; and, if it was stopped,
   * until all of the scope have ended, or a moment after the last signal.
   */
  toEnd(): ExitStatus {
    for (;;) {
      const time = now();
      const over = this.#status !== undefined && (this.#readers.size === 0 || time >= this.#cutOff);
      if (over && !this.#stillStopping()) break;
      if (time >= this.#nextStep) this.#climb(time);
      this.#poll(Math.min(this.#nextStep, over ? NEVER : this.#cutOff) - time);
    }
    if (this.#scope !== 'process') unpin(this.#child);
    const held = this.#readers.size === 0 ? [] : holdersOf(this.#names());
    for (const fd of this.#readers.keys()) close(fd);
    this.#closeWriter();
    const status = (this.#status as ExitStatus).with({ held });
    return this.#reason === undefined ? status : status.with({ reason: this.#reason });
  }

  /** Our descriptors that are still open, by the child's. */
  #names(): Map<number, number> {
    const names = new Map<number, number>();
    for (const [fd, output] of this.outputs) {
      for (const [ours, reader] of this.#readers) if (reader === output) names.set(fd, ours);
    }
    return names;
  }

  /** Waits until something can be done, `timeout` milliseconds at the most. */
  #poll(timeout: number): void {
    const watched: [fd: number, events: number][] = [];
    for (const fd of this.#readers.keys()) watched.push([fd, POLL.POLLIN]);
    if (this.#writer >= 0) watched.push([this.#writer, POLL.POLLOUT]);
    let wait = timeout;
    if (this.#status === undefined && this.#end >= 0) watched.push([this.#end, POLL.POLLIN]);
    else if (this.#status === undefined || this.#stopsOthers) wait = Math.min(timeout, LOOK_EVERY);
    const { size } = LAYOUT.pollfd;
    const pollfds = new Uint8Array(size * watched.length);
    for (const [index, [fd, events]] of watched.entries()) {
      writeStruct(LAYOUT.pollfd, { fd, events }, pollfds.subarray(index * size));
    }
    attempt('ppoll', pollfds, watched.length, timespec(wait), null, 0);
    // Trying all of them costs less than reading back which are ready.
    for (const [fd, output] of [...this.#readers]) this.#read(fd, output);
    if (this.#writer >= 0) this.#write();
    if (this.#status === undefined) this.#reapIfEnded();
  }

  #read(fd: number, output: Collected): void {
    // No more than there can be at once: the time runs on while others write without an end.
    for (let room = LARGEST_BUFFER; room > 0; ) {
      const bytes = readSome(fd);
      if (bytes === undefined) return;
      room -= bytes?.length ?? 0;
      if (output.size === 0 && fillsPipe(bytes)) growPipe(fd);
      if (bytes === null) {
        close(fd);
        this.#readers.delete(fd);
        return;
      }
      if (!output.keep(bytes)) this.#stop('maxBuffer');
    }
  }

  #write(): void {
    let count = 0;
    do {
      count = this.#input.length === 0 ? -1 : writeSome(this.#writer, this.#input);
      if (count > 0) this.#input = this.#input.subarray(count);
    } while (count > 0);
    if (count < 0) this.#closeWriter();
  }

  #closeWriter(): void {
    if (this.#writer >= 0) close(this.#writer);
    this.#writer = -1;
  }

  #reapIfEnded(): void {
    const { handle } = this.#child;
    if (!handle.hasEnded()) return;
    this.#status = reap(this.#child, this.#scope !== 'process');
    this.#target = { ...this.#target, reaped: true };
    if (this.#end >= 0 && this.#end !== handle.pidfd) {
      // Whoever tells it is about to close the other end: nothing of it is to be left.
      attempt('read', this.#end, new Uint8Array(1), 1);
      close(this.#end);
    }
    if (!this.#stillStopping()) this.#nextStep = NEVER;
    this.#cutOff = now() + (this.#options.waitDelay ?? DEFAULT_WAIT_DELAY);
    // What the process itself wrote is in the pipes by now, whoever else still holds them.
    for (const [fd, output] of [...this.#readers]) this.#read(fd, output);
  }

  #stop(reason: ExitReason): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    if (this.#status === undefined || this.#stopsOthers) this.#nextStep = 0;
    if (this.#status !== undefined) this.#cutOff = 0; // what others write is of no use any more
  }

  #climb(now: number): void {
    this.#reason ??= 'timeout';
    const step = this.#steps.shift();
    for (const signal of step?.signals ?? []) this.#signal(findSignal(signal) as number);
    this.#nextStep = now + (step?.grace ?? NEVER);
    this.#giveUp = now + (step?.patience ?? 0);
  }

  #signal(number: number): void {
    if (this.#scope === 'process') {
      const errno = -this.#target.handle.signal(number);
      if (errno > 0 && errno !== E.ESRCH) {
        this.stopError ??= new SystemError('pidfd_send_signal', errno);
      }
      return;
    }
    try {
      signalScope(this.#target, number, this.#scope);
    } catch (error) {
      this.stopError ??= error; // it ends by itself then
    }
  }

  get #stopsOthers(): boolean {
    return this.#reason !== undefined && this.#scope !== 'process';
  }

  /** Whether others of the scope have not ended, and it is of use to wait for them. */
  #stillStopping(): boolean {
    return this.#stopsOthers && now() < this.#giveUp && isLeft(this.#target, this.#scope);
  }
}

/** Milliseconds as ppoll takes them; null is for ever. */
function timespec(ms: number): Uint8Array | null {
  if (ms === NEVER) return null;
  // A huge number of seconds is as good as none, and fits.
  const whole = Math.min(Math.max(Math.ceil(ms * 1e6), 0), 1e15);
  return writeStruct(LAYOUT.timespec, { sec: Math.floor(whole / 1e9), nsec: whole % 1e9 });
}
