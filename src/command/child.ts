/**
 * A command that runs.
 *
 * @module
 */
import { type Duplex, finished, Readable } from 'node:stream';
import { resume } from '../process/loan.js';
import type { Process } from '../process/process.js';
import type { Scope } from '../process/scope.js';
import { type ExitStatus, INSPECT } from '../process/status.js';
import type { SandboxReport } from '../sandbox/report.js';
import type { Signal, SignalName } from '../syscall/signals.js';
import type { Terminal } from '../terminal/terminal.js';
import { now, setImmediate } from '../time.js';
import { onAbort } from './abort-signal.js';
import type { Checked } from './checked.js';
import { closeUntouched, type OpenEnd, optionOf, useOf } from './ends.js';
import { JobListeners } from './job-listeners.js';
import { Life } from './life.js';
import type { LifetimeGuard } from './lifetime.js';
import { type ChildLinesOptions, linesFrom } from './lines.js';
import type { OnTerminal } from './on-terminal.js';
import type { SpawnOptions, StopOptions } from './options.js';
import type { SandboxGroup } from './sandbox-group.js';
import { killLeft } from './sandbox-left.js';
import { after } from './stop.js';
import { type ChannelStream, isRead, streamOver } from './streams.js';
import { drainTo, feedFrom, type Sink, type Source } from './transfer.js';
import type { OptionOf, ReaderOf, TerminalOf, WriterOf } from './types.js';

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
  /** The terminal that it was started on, by the option `terminal`; else null. */
  readonly terminal: TerminalOf<OptionOf<O, 'terminal'>>;
  /**
   * What restricts it by the options `sandbox`, `landlock`, `seccomp` and `mounts`, and what does not although it was asked for, as
   * `bestEffort` allows; undefined if no option restricts it.
   */
  readonly sandbox: SandboxReport | undefined;
  /** What becomes of it. @internal */
  readonly life: Life;
  /** A terminal that was opened for it alone. */
  readonly #ownTerminal: Terminal | undefined;
  readonly #ends: ReadonlyMap<number, OpenEnd>;
  readonly #streams = new Map<number, ChannelStream>();
  readonly #jobs: JobListeners;
  #closed: Promise<ExitStatus> | undefined;
  /** Called when all is over; there is one once `closed` was asked for. */
  #settle: (() => void) | undefined;
  /** The error of a stream that was given in the options. */
  #failure: { readonly error: unknown } | undefined;
  #timer: { readonly at: number; readonly keepsAlive: boolean; cancel(): void } | undefined;

  /** @internal */
  constructor(
    process: Process,
    ends: ReadonlyMap<number, OpenEnd>,
    { limits, options: { signal, input, sandbox }, guards, layers }: Checked,
    begun: number,
    on?: OnTerminal,
    group?: SandboxGroup,
  ) {
    this.terminal = (on?.terminal ?? null) as typeof this.terminal;
    this.#ownTerminal = on?.isOwn ? on.terminal : undefined;
    on?.terminal.begin();
    this.pid = process.pid;
    this.lifetime = guards;
    const all = [...process.layers, ...layers];
    this.sandbox = all.length === 0 ? undefined : { layers: all };
    this.process = process;
    this.#jobs = new JobListeners(process);
    this.#ends = ends;
    this.life = new Life(process, limits, () => this.#changed());
    this.#changed();
    const abort = (): void => this.life.blame('aborted');
    const forget = onAbort(signal, abort);
    this.exited = process.wait().then((status) => {
      if (sandbox !== undefined) killLeft(process, now() - begun, group);
      forget();
      const ended = this.#ended(status);
      // All that it printed is in the stream of its terminal, and those who listen have had it.
      return on === undefined ? ended : on.terminal.settle().then(() => ended);
    });
    if (signal?.aborted) abort();
    for (const [fd, end] of ends) {
      if (end.attached !== undefined) this.#transfer(fd, end, input !== undefined);
      // What nobody reads any more takes no writing, and no descriptor.
      else if (end.kind === 'writer') end.channel.onceHangUp(() => end.channel.close());
    }
    closeUntouched(this, ends);
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
   * The process ended, and every stream of it that is read or was given in the options has ended too,
   * or was cut off `waitDelay` after the exit because another process had it open: `held` of the status
   * then says which, and where. Pipes that nobody reads then are closed; what was in them can still be
   * read. Rejects with the error of a stream that was given in the options, if one failed. Where
   * something stopped more than the process, it waits until those have ended too.
   */
  get closed(): Promise<ExitStatus> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /**
   * The lines of its output as they come, of `'stdout'` (the default), `'stderr'`, `'both'` or a
   * descriptor, which have to be `'pipe'` or `'socket'`. A line is without its `\n` or `\r\n`. With
   * `carriageReturn` a `\r` alone ends one too, as progress bars write it; default: false.
   */
  lines(options: ChildLinesOptions = {}): AsyncIterable<string> {
    return linesFrom(options, (fd) => this.#stream(fd));
  }

  /** Sends a signal; false once the process has ended. Default: SIGTERM. */
  kill(signal: Signal = 'SIGTERM', options?: { scope?: Scope }): boolean {
    return this.process.signal(signal, options);
  }

  /**
   * Continues it after a stop, as the command `fg` of a shell does: with its process group, if it leads
   * one, and with the terminal, if it was started with `foreground`. A terminal that a job of another
   * program has by then stays with that. False once the process has ended.
   *
   * @throws SystemError EPERM where this process may not signal it.
   */
  resume(): boolean {
    return resume(this.process);
  }

  /** Stops it: SIGTERM, and SIGKILL if it has not ended after the grace. */
  async stop(options?: StopOptions): Promise<ExitStatus> {
    await new Promise<void>((resolve, reject) => {
      this.life.stop(options, (error) => (error === undefined ? resolve() : reject(error)));
    });
    this.process.unpin();
    return this.exited;
  }

  /** Calls `listener` whenever the process stops, with the signal, or is continued. */
  on(event: 'stopped' | 'continued', listener: (signal?: SignalName) => void): this {
    this.#jobs.add(event, listener);
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

  /** For JSON. */
  toJSON(): { pid: number; id: string; status: ExitStatus | undefined } {
    return { pid: this.pid, id: this.process.id, status: this.process.status() };
  }

  /** One line for `console.log`. @internal */
  [INSPECT](): string {
    return `Child { pid ${this.pid}, ${this.process.status() ?? 'running'} }`;
  }

  /** Stops it and closes its streams. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    for (const stream of this.#streams.values()) stream.destroy();
    for (const { channel } of this.#ends.values()) channel.close();
    await this.#ownTerminal?.close();
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
    this.life.open(
      fd,
      useOf(end, () => this.#closed !== undefined && this.#leaveUnread()),
    );
    finished(stream, { writable: false }, () => this.life.over(fd));
    return stream;
  }

  /** Between a pipe and the stream that the options gave for it. */
  #transfer(fd: number, end: OpenEnd, isInput: boolean): void {
    const { channel, kind, attached } = end;
    this.life.open(fd, useOf(end));
    const ended =
      kind === 'writer'
        ? feedFrom(channel, attached as Source, this.exited, optionOf(fd, isInput))
        : drainTo(channel, attached as Sink);
    void ended
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .then(() => this.life.over(fd));
  }

  /** What is due is done by a timer, which keeps the event loop alive for those who wait alone. */
  #changed(): void {
    const { deadline: at, state, isStopping } = this.life;
    if (state === 'closed') this.#settle?.();
    const keepsAlive = isStopping || this.#settle !== undefined;
    if (this.#timer?.at === at && this.#timer.keepsAlive === keepsAlive) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (at === Number.POSITIVE_INFINITY) return;
    const tick = (): void => {
      this.#timer = undefined;
      this.life.tick();
    };
    this.#timer = { at, keepsAlive, cancel: after(Math.max(at - now(), 0), tick, keepsAlive) };
  }

  #ended(status: ExitStatus): ExitStatus {
    const { reason } = this.life;
    for (const { channel, kind, attached, taken } of this.#ends.values()) {
      if (attached === undefined && !taken) channel.settle(kind);
    }
    this.life.end();
    return reason === undefined ? status : status.with({ reason });
  }

  async #close(): Promise<ExitStatus> {
    const status = await this.exited;
    this.#leaveUnread();
    await new Promise<void>((resolve) => {
      this.#settle = resolve;
      this.#changed();
    });
    this.#settle = undefined;
    if (this.#failure !== undefined) throw this.#failure.error;
    const { held, reason = status.reason } = this.life;
    if (held.length === 0 && reason === status.reason) return status;
    return status.with({ held, reason });
  }

  /** A stream that nobody reads is not waited for; what is in it can be read at leisure. */
  #leaveUnread(): void {
    for (const [fd, { channel, attached, taken }] of this.#ends) {
      const stream = this.#streams.get(fd);
      if (!taken && attached === undefined) channel.close();
      else if (stream instanceof Readable) this.#leaveIfUnread(fd, stream);
    }
  }

  #leaveIfUnread(fd: number, stream: Readable): void {
    if (!isRead(stream)) this.life.cutOff(fd);
    else stream.once('removeListener', () => setImmediate(() => this.#leaveIfUnread(fd, stream)));
  }
}
