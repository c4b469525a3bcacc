/**
 * A command that runs.
 *
 * @module
 */
import { finished, type Readable, type Writable } from 'node:stream';
import { invalid } from '../launch/check.js';
import type { Process, Scope } from '../process/process.js';
import type { ExitReason, ExitStatus } from '../process/status.js';
import { jobChanges } from '../process/stops.js';
import type { Signal, SignalName } from '../syscall/signals.js';
import type { Channel } from './channel.js';
import type { SpawnOptions, StopOptions } from './options.js';
import type { End } from './stdio.js';
import { after, checkDelay, climb, stopSteps } from './stop.js';
import { PipeReader, PipeWriter, SocketStream } from './streams.js';

type ChildStream = PipeReader | PipeWriter | SocketStream;

/** Our end of a pipe or socket, watched. */
export interface OpenEnd {
  readonly channel: Channel;
  readonly kind: End['kind'];
}

function toStream({ channel, kind }: OpenEnd): ChildStream {
  if (kind === 'reader') return new PipeReader(channel);
  return kind === 'writer' ? new PipeWriter(channel) : new SocketStream(channel);
}

/** A command that was started, and the parent's ends of its pipes. */
export class Child implements AsyncDisposable {
  readonly pid: number;
  readonly process: Process;
  /** The process ended. Never waits for pipes. */
  readonly exited: Promise<ExitStatus>;
  readonly #ends: ReadonlyMap<number, OpenEnd>;
  readonly #streams = new Map<number, ChildStream>();
  readonly #stop: StopOptions | undefined;
  readonly #waitDelay: number;
  #closed: Promise<ExitStatus> | undefined;
  #reason: ExitReason | undefined;
  readonly #listeners: [event: string, listener: (signal?: SignalName) => void][] = [];

  /** @internal */
  constructor(process: Process, ends: ReadonlyMap<number, OpenEnd>, options: SpawnOptions) {
    this.pid = process.pid;
    this.process = process;
    this.#ends = ends;
    this.#stop = options.stop;
    this.#waitDelay = options.waitDelay ?? Number.POSITIVE_INFINITY;
    this.exited = process.wait().then((status) => {
      return this.#reason === undefined ? status : status.because(this.#reason);
    });
    this.#limit(options);
  }

  /** What the child reads, with stdin `'pipe'` or `'socket'`; else null. */
  get stdin(): Writable | null {
    return this.#stream(0) as Writable | null;
  }

  /** What the child writes, with stdout `'pipe'` or `'socket'`; else null. */
  get stdout(): Readable | null {
    return this.#stream(1) as Readable | null;
  }

  /** As `stdout`, for stderr. */
  get stderr(): Readable | null {
    return this.#stream(2) as Readable | null;
  }

  /** Our ends of the pipes and sockets at descriptor 3 and above, by the child's descriptor. */
  get fds(): ReadonlyMap<number, ChildStream> {
    const streams = new Map<number, ChildStream>();
    for (const fd of this.#ends.keys()) {
      if (fd > 2) streams.set(fd, this.#stream(fd) as ChildStream);
    }
    return streams;
  }

  /**
   * The process ended, and every stream of it that was asked for has ended too, or was cut off
   * `waitDelay` after the exit.
   */
  get closed(): Promise<ExitStatus> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** Sends a signal; false once the process has ended. Default: SIGTERM. */
  kill(signal: Signal = 'SIGTERM', options?: { scope?: Scope }): boolean {
    return this.process.signal(signal, options);
  }

  /** Stops it: SIGTERM, and SIGKILL if it has not ended after the grace. */
  async stop(options?: StopOptions): Promise<ExitStatus> {
    const steps = stopSteps(options ?? this.#stop);
    await climb(steps, (signal) => this.kill(signal), this.exited);
    return this.exited;
  }

  /** Calls `listener` whenever the process stops, with the signal, or is continued. */
  on(event: 'stopped' | 'continued', listener: (signal?: SignalName) => void): this {
    if (event !== 'stopped' && event !== 'continued') {
      throw invalid('event', event, "'stopped' or 'continued'");
    }
    if (this.#listeners.length === 0) void this.#watchStops();
    this.#listeners.push([event, listener]);
    return this;
  }

  ref(): void {
    this.process.ref();
  }

  unref(): void {
    this.process.unref();
  }

  /** Stops it and waits until its streams are closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    for (const stream of this.#streams.values()) stream.destroy();
    for (const { channel } of this.#ends.values()) channel.close();
  }

  /** Stops it for a reason that its status then tells. @internal */
  stopBecause(reason: ExitReason): void {
    this.#reason ??= reason;
    void this.stop();
  }

  #stream(fd: number): ChildStream | null {
    const end = this.#ends.get(fd);
    if (end === undefined) return null;
    const known = this.#streams.get(fd);
    if (known !== undefined) return known;
    const stream = toStream(end);
    this.#streams.set(fd, stream);
    return stream;
  }

  /** Lets `timeout` and `signal` stop it. */
  #limit({ timeout, signal }: SpawnOptions): void {
    if (timeout !== undefined) {
      const cancel = after(timeout, () => this.stopBecause('timeout'), false);
      void this.exited.then(cancel);
    }
    if (signal === undefined) return;
    const abort = (): void => this.stopBecause('aborted');
    signal.addEventListener('abort', abort, { once: true });
    void this.exited.then(() => signal.removeEventListener('abort', abort));
    if (signal.aborted) abort();
  }

  async #watchStops(): Promise<void> {
    for await (const change of jobChanges(this.pid)) {
      for (const [event, listener] of this.#listeners) {
        if (event !== change.kind) continue;
        if (change.kind === 'stopped') listener(change.signal);
        else listener();
      }
    }
  }

  async #close(): Promise<ExitStatus> {
    const status = await this.exited;
    const readers = [...this.#streams.values()].filter((stream) => !(stream instanceof PipeWriter));
    const ended = readers.map((stream) => {
      return new Promise<void>((resolve) => finished(stream, { writable: false }, () => resolve()));
    });
    const cancel = after(this.#waitDelay, () => {
      for (const stream of readers) stream.destroy();
    });
    await Promise.all(ended);
    cancel();
    return status;
  }
}

/** Checks what of the options is not the launch's business, before anything is started. */
export function checkSpawnOptions(options: SpawnOptions): void {
  if (options.stop !== undefined) stopSteps(options.stop);
  if (options.timeout !== undefined) checkDelay('timeout', options.timeout);
  if (options.waitDelay !== undefined) checkDelay('waitDelay', options.waitDelay);
}
