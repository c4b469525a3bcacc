/**
 * One run of a command on a slot, to its end.
 *
 * @module
 */
import type { JobSpec } from '../agent/protocol.js';
import { Collected, DEFAULT_MAX_BUFFER } from '../command/collected.js';
import { makeRoom } from '../command/listeners.js';
import type { RunOptions } from '../command/options.js';
import { drainTo, feedFrom } from '../command/transfer.js';
import type { ExitStatus } from '../process/status.js';
import type { SlotError } from './error.js';
import type { RemoteJob } from './remote-job.js';
import { RemotePipe } from './remote-pipe.js';
import type { Lease } from './scheduler.js';
import type { Planned } from './spec.js';

/** What came of a run. */
export type Ending =
  | {
      readonly kind: 'ended';
      readonly status: ExitStatus;
      readonly collected: ReadonlyMap<number, { readonly collected: Collected }>;
      readonly stopError: unknown;
    }
  /** It could not be started, or a stream of the options failed. */
  | { readonly kind: 'failed'; readonly error: unknown }
  /** The slot was lost; with `company` other jobs ran there too, and any of them may be why. */
  | { readonly kind: 'lost'; readonly error: SlotError; readonly company: boolean };

/** A job whose streams of the options are moved, and whose other output is handed to `data`. */
export class Attached {
  readonly pipes: Map<number, RemotePipe> = new Map();
  #moves: Promise<unknown>[] = [];
  #failure: { readonly error: unknown } | undefined;
  #settle: () => void = () => {};
  readonly #ended = new Promise<void>((resolve) => {
    this.#settle = resolve;
  });

  constructor(planned: Planned, job: () => RemoteJob) {
    for (const [fd, source] of planned.inputs) {
      const pipe = new RemotePipe(fd, true, job);
      this.pipes.set(fd, pipe);
      if (source !== undefined) this.#move(feedFrom(pipe, source, this.#ended, nameOf(fd)));
    }
    for (const [fd, sink] of planned.outputs) {
      if (sink === undefined) continue;
      const pipe = new RemotePipe(fd, false, job);
      this.pipes.set(fd, pipe);
      this.#move(drainTo(pipe, sink));
    }
  }

  #move(moving: Promise<void>): void {
    this.#moves.push(
      moving.catch((error: unknown) => {
        this.#failure ??= { error };
      }),
    );
  }

  /** The job is over: waits for the streams; throws the error of one that failed. */
  async finish(): Promise<void> {
    this.#settle();
    for (const pipe of this.pipes.values()) pipe.end();
    await Promise.all(this.#moves);
    this.#moves = [];
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

function nameOf(fd: number): string {
  return fd === 0 ? 'stdin' : `fds.${fd}`;
}

/** Calls `abort` when the signal of the options aborts; returns what undoes it. */
export function whenAborted({ signal }: RunOptions, abort: () => void): () => void {
  if (signal === undefined) return () => {};
  makeRoom(signal, 1);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  return () => {
    signal.removeEventListener('abort', abort);
    makeRoom(signal, -1);
  };
}

/** Runs a command on a slot and collects its output. */
export function attempt(
  lease: Lease,
  planned: Planned,
  spec: JobSpec = planned.spec,
  started: (job: RemoteJob) => void = () => {},
): Promise<Ending> {
  const { checked, outputs } = planned;
  const limit = checked.options.maxBuffer ?? DEFAULT_MAX_BUFFER;
  const collected = new Map<number, { readonly collected: Collected }>();
  for (const [fd, sink] of outputs) {
    if (sink !== undefined) continue;
    collected.set(fd, { collected: new Collected(limit, checked.showing.get(fd)?.show) });
  }
  return new Promise((resolve) => {
    let forget = (): void => {};
    const attached = new Attached(planned, () => job);
    const end = (ending: Ending): void => {
      forget();
      void attached.finish().then(
        () => resolve(ending),
        (error: unknown) => resolve(ending.kind === 'lost' ? ending : { kind: 'failed', error }),
      );
    };
    const job: RemoteJob = lease.start(spec, {
      failed: (error) => end({ kind: 'failed', error }),
      data(fd, bytes) {
        const pipe = attached.pipes.get(fd);
        if (pipe !== undefined) {
          pipe.push(bytes);
          return;
        }
        job.credit(fd, bytes.length);
        if (collected.get(fd)?.collected.keep(bytes) !== false) return;
        job.blame('maxBuffer');
        job.discard(fd);
      },
      end: (fd) => attached.pipes.get(fd)?.end(),
      credit: (fd, count) => attached.pipes.get(fd)?.give(count),
      closed(status, stopError) {
        lease.slot.worked();
        end({ kind: 'ended', status, collected, stopError });
      },
      // Before the room is given back, those that were lost with it count too.
      lost: (error) => end({ kind: 'lost', error, company: lease.slot.running > 1 }),
    });
    started(job);
    forget = whenAborted(checked.options, () => job.blame('aborted'));
  });
}
