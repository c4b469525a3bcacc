/**
 * A command that runs on a slot.
 *
 * @module
 */

import type { Duplex, Readable, Writable } from 'node:stream';
import { lostStatus } from '../agent/wire.js';
import { type ChildLinesOptions, linesFrom } from '../command/lines.js';
import type { SpawnOptions, StopOptions } from '../command/options.js';
import { stopSteps } from '../command/stop.js';
import { type ChannelStream, streamOver } from '../command/streams.js';
import type { OptionOf, ReaderOf, WriterOf } from '../command/types.js';
import { ownOptions } from '../launch/values.js';
import { checkScope, type Scope } from '../process/scope.js';
import { type ExitStatus, INSPECT } from '../process/status.js';
import { checkSignal, invalid } from '../syscall/check.js';
import type { Signal, SignalName } from '../syscall/signals.js';
import { Attached, whenAborted } from './attempt.js';
import type { RemoteJob } from './remote-job.js';
import { RemotePipe } from './remote-pipe.js';
import type { Lease } from './scheduler.js';
import type { Planned } from './spec.js';

/** A command on a slot: as `Child`, without what belongs to the machine that it runs on. */
export class SlotChild<O extends SpawnOptions = SpawnOptions> implements AsyncDisposable {
  /** Its number on the machine of the slot. */
  readonly pid: number;
  /** `id` of its Process there. */
  readonly id: string;
  /** The name of the engine of its slot. */
  readonly slot: string;
  /** The process ended. Never waits for pipes. With its slot lost, `reason` of the status is `'lost'`. */
  readonly exited: Promise<ExitStatus>;
  readonly #job: RemoteJob;
  readonly #pipes: ReadonlyMap<number, RemotePipe>;
  readonly #closed: Promise<ExitStatus>;
  readonly #streams = new Map<number, ChannelStream>();
  readonly #listeners: [event: string, listener: (signal?: SignalName) => void][];
  #status: ExitStatus | undefined;

  /** @internal */
  constructor(life: Life, started: { readonly pid: number; readonly process: string }) {
    this.pid = started.pid;
    this.id = started.process;
    this.slot = life.lease.slot.engine.name;
    this.#job = life.job;
    this.#pipes = life.free;
    this.#listeners = life.listeners;
    this.exited = life.exited;
    this.#closed = life.closed;
    void this.exited.then((status) => {
      this.#status = status;
    });
  }

  /** What the child reads, with stdin `'pipe'`; else null. */
  get stdin(): WriterOf<OptionOf<O, 'stdin'>> {
    return this.#stream(0) as WriterOf<OptionOf<O, 'stdin'>>;
  }

  /** What the child writes, with stdout `'pipe'`; else null. */
  get stdout(): ReaderOf<OptionOf<O, 'stdout'>> {
    return this.#stream(1) as ReaderOf<OptionOf<O, 'stdout'>>;
  }

  /** As `stdout`, for stderr. */
  get stderr(): ReaderOf<OptionOf<O, 'stderr'>> {
    return this.#stream(2) as ReaderOf<OptionOf<O, 'stderr'>>;
  }

  /** Our ends of the pipes at descriptor 3 and above, by the child's descriptor. */
  get fds(): ReadonlyMap<number, Readable | Writable | Duplex> {
    const streams = new Map<number, Readable | Writable | Duplex>();
    for (const fd of this.#pipes.keys()) {
      const stream = fd > 2 ? this.#stream(fd) : null;
      if (stream !== null) streams.set(fd, stream);
    }
    return streams;
  }

  /** As `closed` of Child: streams that were not asked for by then are closed. */
  get closed(): Promise<ExitStatus> {
    for (const [fd, pipe] of this.#pipes) if (!this.#streams.has(fd)) pipe.close();
    return this.#closed;
  }

  /** As `lines` of Child. */
  lines(options: ChildLinesOptions = {}): AsyncIterable<string> {
    return linesFrom(options, (fd) => this.#stream(fd));
  }

  /** Sends a signal; false once it is known that the process has ended. Default: SIGTERM. */
  kill(signal: Signal = 'SIGTERM', options: { scope?: Scope } = {}): boolean {
    const number = checkSignal('signal', signal);
    const scope = checkScope('scope', ownOptions(options).scope);
    if (this.#status !== undefined || this.#job.isOver) return false;
    this.#job.signal(number, scope);
    return true;
  }

  /** Stops it: SIGTERM, and SIGKILL if it has not ended after the grace. */
  async stop(options?: StopOptions): Promise<ExitStatus> {
    if (options !== undefined) stopSteps(options);
    await this.#job.stop(options);
    return this.exited;
  }

  /** Calls `listener` whenever the process stops, with the signal, or is continued. */
  on(event: 'stopped' | 'continued', listener: (signal?: SignalName) => void): this {
    if (event !== 'stopped' && event !== 'continued') {
      throw invalid('event', event, "'stopped' or 'continued'");
    }
    this.#listeners.push([event, listener]);
    return this;
  }

  /** For JSON. */
  toJSON(): { pid: number; id: string; slot: string; status: ExitStatus | undefined } {
    return { pid: this.pid, id: this.id, slot: this.slot, status: this.#status };
  }

  /** One line for `console.log`. @internal */
  [INSPECT](): string {
    return `SlotChild { ${this.slot}, pid ${this.pid}, ${this.#status ?? 'running'} }`;
  }

  /** Stops it and closes its streams. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    for (const stream of this.#streams.values()) stream.destroy();
    for (const pipe of this.#pipes.values()) pipe.close();
  }

  #stream(fd: number): ChannelStream | null {
    const pipe = this.#pipes.get(fd);
    if (pipe === undefined) return null;
    const known = this.#streams.get(fd);
    if (known !== undefined) return known;
    const stream = streamOver(pipe, pipe.isInput ? 'writer' : 'reader');
    this.#streams.set(fd, stream);
    return stream;
  }
}

/** What the events of a job become for its child. */
interface Life {
  readonly lease: Lease;
  readonly job: RemoteJob;
  /** The pipes that no stream of the options is at. */
  readonly free: ReadonlyMap<number, RemotePipe>;
  readonly exited: Promise<ExitStatus>;
  readonly closed: Promise<ExitStatus>;
  readonly listeners: [event: string, listener: (signal?: SignalName) => void][];
}

function deferred<T>(): {
  promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
} {
  let resolve: (value: T) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

/** Starts a command on a slot; resolves once it runs there. The lease ends with it. */
export function startOn(lease: Lease, planned: Planned): Promise<SlotChild> {
  const exited = deferred<ExitStatus>();
  const closed = deferred<ExitStatus>();
  closed.promise.catch(() => {}); // for those who ask, and none where it could not be started
  const launched = deferred<SlotChild>();
  const listeners: Life['listeners'] = [];
  const attached = new Attached(planned, () => job);
  const free = new Map<number, RemotePipe>();
  for (const [fd, source] of planned.inputs) {
    if (source === undefined) free.set(fd, attached.pipes.get(fd) as RemotePipe);
  }
  for (const [fd, sink] of planned.outputs) {
    if (sink === undefined) free.set(fd, new RemotePipe(fd, false, () => job));
  }
  const pipeAt = (fd: number): RemotePipe | undefined => attached.pipes.get(fd) ?? free.get(fd);
  let forget = (): void => {};
  const end = (status: ExitStatus): void => {
    forget();
    lease.release();
    exited.resolve(status);
    for (const pipe of free.values()) pipe.end();
    attached.finish().then(() => closed.resolve(status), closed.reject);
  };
  const job: RemoteJob = lease.start(planned.spec, {
    started: (process) => {
      launched.resolve(
        new SlotChild(
          { lease, job, free, exited: exited.promise, closed: closed.promise, listeners },
          process,
        ),
      );
    },
    failed(error) {
      end(lostStatus());
      launched.reject(error);
    },
    data: (fd, bytes) => pipeAt(fd)?.push(bytes),
    end: (fd) => pipeAt(fd)?.end(),
    credit: (fd, count) => pipeAt(fd)?.give(count),
    changed(event, signal) {
      for (const [wanted, listener] of listeners) {
        if (wanted !== event) continue;
        if (event === 'stopped') listener(signal);
        else listener();
      }
    },
    exited: (status) => exited.resolve(status),
    closed(status) {
      lease.slot.worked();
      end(status);
    },
    lost(error) {
      launched.reject(error);
      end(lostStatus());
    },
  });
  forget = whenAborted(planned.checked.options, () => job.blame('aborted'));
  return launched.promise;
}
