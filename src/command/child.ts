/**
 * A command that runs.
 *
 * @module
 */
import { type Duplex, finished, Readable } from 'node:stream';
import type { Process } from '../process/process.js';
import type { Scope } from '../process/scope.js';
import type { ExitReason, ExitStatus } from '../process/status.js';
import { jobChanges } from '../process/stops.js';
import { invalid } from '../syscall/check.js';
import type { Signal, SignalName } from '../syscall/signals.js';
import { checkAbortSignal } from './abort-signal.js';
import type { Channel } from './channel.js';
import type { LifetimeGuard } from './lifetime.js';
import { linesOf } from './lines.js';
import { checkOptionNames, type SpawnOptions, type StopOptions } from './options.js';
import { type Reading, Readings } from './readings.js';
import type { End } from './stdio.js';
import { after, checkDelay, climb, stopSteps, timeLimit } from './stop.js';
import { type ChannelStream, streamOver } from './streams.js';
import { drainTo, feedFrom, type Sink, type Source } from './transfer.js';
import type { OptionOf, ReaderOf, WriterOf } from './types.js';

/** Our end of a pipe or socket, watched. */
export interface OpenEnd {
  readonly channel: Channel;
  readonly kind: End['kind'];
  readonly attached?: End['attached'];
  /** Whether something reads or writes it. */
  taken?: boolean;
}

/** Closes the pipes of a command that nobody has in hand any more, and nobody took a stream of. */
const untouched = new FinalizationRegistry<ReadonlyMap<number, OpenEnd>>((ends) => {
  for (const end of ends.values()) {
    if (!end.taken && end.attached === undefined) end.channel.close();
  }
});

/** A command that was started, and the parent's ends of its pipes. */
export class Child<O extends SpawnOptions = SpawnOptions> implements AsyncDisposable {
  /** Its number: getpid(2). */
  readonly pid: number;
  /** The process without its streams: its `id`, its pidfd, its status without waiting. */
  readonly process: Process;
  /** The process ended. Never waits for pipes. */
  readonly exited: Promise<ExitStatus>;
  /** What ends it with this process: see the option `lifetime`. */
  readonly lifetime: readonly LifetimeGuard[];
  readonly #ends: ReadonlyMap<number, OpenEnd>;
  readonly #streams = new Map<number, ChannelStream>();
  readonly #readings: Readings;
  readonly #stop: StopOptions | undefined;
  readonly #listeners: [event: string, listener: (signal?: SignalName) => void][] = [];
  #closed: Promise<ExitStatus> | undefined;
  #reason: ExitReason | undefined;
  /** The ladder, if something made it be climbed. */
  #stopping: Promise<void> | undefined;
  /** Why it could not be stopped. @internal */
  stopError: unknown;

  /** @internal */
  constructor(
    process: Process,
    ends: ReadonlyMap<number, OpenEnd>,
    options: SpawnOptions,
    lifetime: readonly LifetimeGuard[],
  ) {
    this.pid = process.pid;
    this.lifetime = lifetime;
    this.process = process;
    this.#ends = ends;
    this.#stop = options.stop;
    this.exited = process.wait().then((status) => {
      return this.#reason === undefined ? status : status.with({ reason: this.#reason });
    });
    this.#readings = new Readings(this.exited, options.waitDelay ?? Number.POSITIVE_INFINITY);
    this.#limit(options);
    for (const [fd, end] of ends) {
      if (end.attached !== undefined) this.#transfer(fd, end);
      // What nobody reads any more takes no writing, and no descriptor.
      else if (end.kind === 'writer') end.channel.onceHangUp(() => end.channel.close());
    }
    untouched.register(this, ends);
  }

  /** What the child reads, with stdin `'pipe'` or `'socket'`; else null. */
  get stdin(): WriterOf<OptionOf<O, 'stdin'>> {
    return this.#stream(0) as WriterOf<OptionOf<O, 'stdin'>>;
  }

  /** What the child writes, with stdout `'pipe'` or `'socket'`; else null. */
  get stdout(): ReaderOf<OptionOf<O, 'stdout'>> {
    return this.#stream(1) as ReaderOf<OptionOf<O, 'stdout'>>;
  }

  /** As `stdout`, for stderr. */
  get stderr(): ReaderOf<OptionOf<O, 'stderr'>> {
    return this.#stream(2) as ReaderOf<OptionOf<O, 'stderr'>>;
  }

  /** Our ends of the pipes and sockets at descriptor 3 and above, by the child's descriptor. */
  get fds(): ReadonlyMap<number, Readable | Duplex> {
    const streams = new Map<number, Readable | Duplex>();
    for (const fd of this.#ends.keys()) {
      const stream = fd > 2 ? this.#stream(fd) : null;
      if (stream instanceof Readable) streams.set(fd, stream);
    }
    return streams;
  }

  /**
   * The process ended, and every stream of it that was asked for has ended too, or was cut off
   * `waitDelay` after the exit: `held` of the status then says which, and who had it open. Pipes that
   * nobody asked for until then are closed. Rejects with the error of a stream that was given in the
   * options, if one failed. Where `timeout` or `signal` stopped more than the process, it waits until
   * those have ended too.
   */
  get closed(): Promise<ExitStatus> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /**
   * The lines of its output as they come, of `'stdout'` (the default), `'stderr'` or `'both'`, which
   * have to be `'pipe'`. A line is without its `\n` or `\r\n`.
   */
  lines(options: { from?: 'stdout' | 'stderr' | 'both' } = {}): AsyncIterable<string> {
    const { from = 'stdout' } = options;
    const wanted = { stdout: [1], stderr: [2], both: [1, 2] }[from];
    if (wanted === undefined) throw invalid('from', from, "'stdout', 'stderr' or 'both'");
    const streams = wanted.map((fd) => {
      const stream = this.#stream(fd);
      if (stream instanceof Readable) return stream;
      throw invalid('from', from, 'an output whose option is a pipe');
    });
    return linesOf(streams);
  }

  /** Sends a signal; false once the process has ended. Default: SIGTERM. */
  kill(signal: Signal = 'SIGTERM', options?: { scope?: Scope }): boolean {
    return this.process.signal(signal, options);
  }

  /** Stops it: SIGTERM, and SIGKILL if it has not ended after the grace. */
  async stop(options?: StopOptions): Promise<ExitStatus> {
    await climb(this.process, options ?? this.#stop);
    this.process.unpin();
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

  /** The event loop stays alive until it ended, as it does by default. */
  ref(): void {
    this.process.ref();
  }

  /** The event loop does not wait for it, not even where its end is awaited. */
  unref(): void {
    this.process.unref();
  }

  /** Stops it and closes its streams. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    for (const stream of this.#streams.values()) stream.destroy();
    for (const { channel } of this.#ends.values()) channel.close();
  }

  /** Stops it for a reason that its status then tells, unless it has ended already. @internal */
  stopBecause(reason: ExitReason): void {
    if (this.#reason !== undefined || this.process.hasEnded()) return;
    this.#reason = reason;
    // What could not be stopped ends by itself, and the error is the cause that is told.
    this.#stopping = climb(this.process, this.#stop).catch((error: unknown) => {
      this.stopError ??= error;
    });
  }

  /** Something that `closed` waits for. @internal */
  addReading(fd: number, reading: Reading): void {
    this.#readings.add(fd, reading);
    const end = this.#ends.get(fd);
    if (end !== undefined) end.taken = true;
  }

  #stream(fd: number): ChannelStream | null {
    const end = this.#ends.get(fd);
    if (end === undefined || end.attached !== undefined) return null;
    const known = this.#streams.get(fd);
    if (known !== undefined) return known;
    const { channel, kind } = end;
    const stream = streamOver(channel, kind);
    end.taken = true;
    this.#streams.set(fd, stream);
    if (kind === 'writer') return stream;
    const ended = new Promise<void>((resolve) => {
      finished(stream, { writable: false }, () => resolve());
    });
    this.#readings.add(fd, { channel, ended, cutOff: () => channel.cutOff() });
    return stream;
  }

  /** Between a pipe and the stream that the options gave for it. */
  #transfer(fd: number, { channel, kind, attached }: OpenEnd): void {
    if (kind === 'writer') {
      const ended = feedFrom(channel, attached as Source, this.exited);
      this.#readings.add(fd, { channel, ended, cutOff: () => channel.close() });
    } else {
      const ended = drainTo(channel, attached as Sink);
      this.#readings.add(fd, { channel, ended, cutOff: () => channel.cutOff() });
    }
  }

  /** Lets `timeout` and `signal` stop it. */
  #limit(options: SpawnOptions): void {
    const cancel = after(timeLimit(options), () => this.stopBecause('timeout'), false);
    void this.exited.then(cancel);
    const { signal } = options;
    if (signal === undefined) return;
    const abort = (): void => this.stopBecause('aborted');
    signal.addEventListener('abort', abort, { once: true });
    void this.exited.then(() => signal.removeEventListener('abort', abort));
    if (signal.aborted) abort();
  }

  async #watchStops(): Promise<void> {
    for await (const change of jobChanges(this.process)) {
      for (const [event, listener] of this.#listeners) {
        if (event !== change.kind) continue;
        if (change.kind === 'stopped') listener(change.signal);
        else listener();
      }
    }
  }

  async #close(): Promise<ExitStatus> {
    const status = await this.exited;
    try {
      const held = await this.#readings.settled();
      await this.#stopping; // others of its scope may take longer
      return held.length === 0 ? status : status.with({ held });
    } finally {
      for (const { taken, attached, channel } of this.#ends.values()) {
        if (!taken && attached === undefined) channel.close();
      }
    }
  }
}

/** Checks what of the options is not the launch's business, before anything is started. */
export function checkSpawnOptions(options: SpawnOptions): void {
  checkOptionNames(options);
  if (options.stop !== undefined) stopSteps(options.stop);
  checkAbortSignal('signal', options.signal);
  if (options.timeout !== undefined) checkDelay('timeout', options.timeout);
  if (options.waitDelay !== undefined) checkDelay('waitDelay', options.waitDelay);
}
