/**
 * Running a command to its end while the event loop stands still: one ppoll(2) on the pipes and the
 * pidfd, and no second event loop.
 *
 * @module
 */

import { checkLaunch } from '../launch/compile.js';
import { native } from '../native.js';
import { launchUnwatchedSync, type Unwatched } from '../process/launch.js';
import { reap } from '../process/reap.js';
import { signalScope } from '../process/scope.js';
import type { ExitReason, ExitStatus } from '../process/status.js';
import { attempt, close } from '../syscall/call.js';
import { invalid } from '../syscall/check.js';
import { LAYOUT, POLL } from '../syscall/constants.js';
import { writeStruct } from '../syscall/layout.js';
import { findSignal } from '../syscall/signals.js';
import { Collected } from './capture.js';
import { holdersOf, streamName } from './holders.js';
import { readSome, writeSome } from './io.js';
import type { RunOptions } from './options.js';
import {
  checkRunOptions,
  DEFAULT_MAX_BUFFER,
  DEFAULT_WAIT_DELAY,
  type Result,
  resultOf,
} from './result.js';
import { compileConnected, hasFiles, launchOf, placeholders, splitArguments } from './spawn.js';
import { connect, type End, isFile, openFilesSync, planStdio } from './stdio.js';
import { type StopStep, stopSteps } from './stop.js';
import type { NoOptions } from './types.js';

const NEVER = Number.POSITIVE_INFINITY;

/** Milliseconds between looks at a process whose end nothing tells. */
const LOOK_EVERY = 10;

/** One command from its launch to its end. Times are performance.now()'s milliseconds. */
class SyncRun {
  readonly outputs = new Map<number, Collected>();
  readonly #child: Unwatched;
  /** Readable once the process has ended; negative where nothing tells that. */
  readonly #end: number;
  readonly #options: RunOptions;
  readonly #steps: StopStep[];
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

  constructor(child: Unwatched, ends: ReadonlyMap<number, End>, options: RunOptions) {
    this.#child = child;
    const { pid, pidfd } = child.handle;
    this.#end = pidfd < 0 ? native.exitDescriptor(pid) : pidfd;
    this.#options = options;
    this.#steps = stopSteps(options.stop);
    this.#input = options.input as Uint8Array;
    this.#nextStep = performance.now() + (options.timeout ?? NEVER);
    for (const [fd, end] of ends) {
      if (end.kind === 'reader') {
        const output = new Collected(options.maxBuffer ?? DEFAULT_MAX_BUFFER);
        this.outputs.set(fd, output);
        this.#readers.set(end.fd, output);
      } else if (fd === 0 && end.kind === 'writer') {
        this.#writer = end.fd;
        this.#write();
      } else {
        close(end.fd);
      }
    }
  }

  /** Until the process has ended and its pipes too, or `waitDelay` is over. */
  toEnd(): ExitStatus {
    while (this.#status === undefined || this.#readers.size > 0) {
      const now = performance.now();
      if (now >= this.#nextStep) this.#climb(now);
      if (now >= this.#cutOff) break;
      this.#poll(Math.min(this.#nextStep, this.#cutOff) - now);
    }
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
    if (this.#status === undefined) {
      if (this.#end >= 0) watched.push([this.#end, POLL.POLLIN]);
      else wait = Math.min(timeout, LOOK_EVERY);
    }
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
    for (;;) {
      const bytes = readSome(fd);
      if (bytes === undefined) return;
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
    this.#status = reap(this.#child);
    if (this.#end >= 0 && this.#end !== handle.pidfd) close(this.#end);
    this.#nextStep = NEVER;
    this.#cutOff = performance.now() + (this.#options.waitDelay ?? DEFAULT_WAIT_DELAY);
    // What the process itself wrote is in the pipes by now, whoever else still holds them.
    for (const [fd, output] of [...this.#readers]) this.#read(fd, output);
  }

  #stop(reason: ExitReason): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    if (this.#status === undefined) this.#nextStep = 0;
    else this.#cutOff = 0; // what others write is of no use any more
  }

  #climb(now: number): void {
    this.#reason ??= 'timeout';
    const step = this.#steps.shift();
    const { scope = 'process' } = this.#options.stop ?? {};
    for (const signal of step?.signals ?? []) {
      const number = findSignal(signal) as number;
      if (scope !== 'process') signalScope(this.#child, number, scope);
      else this.#child.handle.signal(number);
    }
    this.#nextStep = now + (step?.grace ?? NEVER);
  }
}

/** Milliseconds as ppoll takes them; null is for ever. */
function timespec(ms: number): Uint8Array | null {
  if (ms === NEVER) return null;
  // A huge number of seconds is as good as none, and fits.
  const whole = Math.min(Math.max(Math.ceil(ms * 1e6), 0), 1e15);
  return writeStruct(LAYOUT.timespec, { sec: Math.floor(whole / 1e9), nsec: whole % 1e9 });
}

/** Streams are read by the event loop, which stands still. */
function inputOf({ input = '' }: RunOptions): Uint8Array {
  if (typeof input === 'string') return Buffer.from(input, 'utf8');
  if (input instanceof Uint8Array) return input;
  throw invalid('input', input, 'a string or a Uint8Array for runSync');
}

function runCommandSync(
  file: string,
  args: readonly string[],
  options: RunOptions,
): Result<RunOptions> {
  checkRunOptions(options);
  options.signal?.throwIfAborted();
  const input = inputOf(options);
  const stdin = options.input === undefined ? 'null' : 'pipe';
  const plan = planStdio(options, [stdin, 'pipe', 'pipe']);
  for (const [fd, stdio] of plan) {
    if (typeof stdio !== 'object' || isFile(stdio)) continue;
    throw invalid(streamName(fd), stdio, 'anything but a stream for runSync');
  }
  const blame = { file, args };
  if (hasFiles(plan)) checkLaunch(launchOf(file, args, placeholders(plan), options));
  const connections = connect(plan, openFilesSync(plan, blame), blame);
  const compiled = compileConnected(file, args, connections, options);
  let child: Unwatched;
  try {
    child = launchUnwatchedSync(compiled, connections.closeAfter);
  } catch (error) {
    for (const { fd } of connections.ends.values()) close(fd);
    throw error;
  }
  const running = new SyncRun(child, connections.ends, { ...options, input });
  const status = running.toEnd();
  child.loan?.end();
  const output = new Map([...running.outputs].map(([fd, { bytes }]) => [fd, bytes]));
  return resultOf(file, args, options, status, output);
}

/**
 * As `run`, and the event loop stands still until it is over. Streams can't be used meanwhile: stdio
 * is descriptors, files and what is collected, and `input` a string or bytes.
 *
 * @throws LaunchError when it could not be started, and ExitError unless it exited with 0.
 */
export function runSync<const O extends RunOptions>(
  file: string,
  args: readonly string[] | undefined,
  options: O | undefined,
): Result<O>;
/** The same for a program without arguments. */
export function runSync<const O extends RunOptions>(
  file: string,
  options: O | undefined,
): Result<O>;
/** The same without options. */
export function runSync(file: string, args?: readonly string[]): Result<NoOptions>;
export function runSync(
  file: string,
  args?: readonly string[] | RunOptions,
  options?: RunOptions,
): Result<RunOptions> {
  const [words, given] = splitArguments(args, options);
  return runCommandSync(file, words, given);
}
