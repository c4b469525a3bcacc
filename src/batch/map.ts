/**
 * A command for each of many items.
 *
 * @module
 */
import { Command } from '../command/command.js';
import { isFailure, type Outcome } from '../command/result.js';
import type { Output } from '../command/types.js';
import { invalid } from '../syscall/check.js';
import { attempt, type Ending } from './attempt.js';
import {
  type CheckedOptions,
  checkOptions,
  type MapOptions,
  type Mapped,
  type Mapper,
  type Source,
} from './map-options.js';
import { Relay } from './relay.js';
import type { RemoteJob } from './remote-job.js';
import type { Lease, Scheduler } from './scheduler.js';
import { resultOfError, settle } from './settle.js';
import { type Planned, planRun } from './spec.js';
import { pauseFor, Tries } from './tries.js';

/** Results that nobody has taken yet: so many, and no more is started. */
const FEWEST_WAITING = 16;

class Mapping<T, Out extends Output> {
  readonly #scheduler: Scheduler;
  readonly #mapper: Mapper<T, Out>;
  readonly #iterator: Iterator<T> | AsyncIterator<T>;
  readonly #options: CheckedOptions;
  readonly #jobs = new Set<RemoteJob>();
  readonly #stopping = new AbortController();
  readonly #relay: Relay<Mapped<T, Out>>;
  #running = 0;
  #wake: (() => void) | undefined;
  /** No more is started. */
  #isOver = false;
  #sourceEnded = false;
  #error: { readonly error: unknown } | undefined;
  #fed: Promise<void> | undefined;

  constructor(
    scheduler: Scheduler,
    items: Source<T>,
    mapper: Mapper<T, Out>,
    options: CheckedOptions,
  ) {
    this.#scheduler = scheduler;
    this.#mapper = mapper;
    this.#options = options;
    this.#iterator =
      Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
    this.#relay = new Relay(options.order === 'input', () => this.#wake?.());
  }

  async next(): Promise<IteratorResult<Mapped<T, Out>, undefined>> {
    this.#fed ??= this.#feed();
    const value = await this.#relay.take();
    if (value !== undefined) return { done: false, value };
    const error = this.#error;
    this.#error = undefined; // told once
    if (error !== undefined) throw error.error;
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<Mapped<T, Out>, undefined>> {
    this.#end();
    this.#stop();
    this.#relay.abandon();
    await this.#fed;
    return { done: true, value: undefined };
  }

  /** Draws items and starts their commands, until all have ended. */
  async #feed(): Promise<void> {
    for (let index = 0; ; index++) {
      while (!this.#hasRoom()) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      if (this.#isOver) break;
      try {
        const { done, value } = await this.#iterator.next();
        if (done) {
          this.#sourceEnded = true;
          break;
        }
        if (this.#isOver) break;
        await this.#begin(value, index);
      } catch (error) {
        this.#sourceEnded = true; // one that threw is not asked to return
        this.#fail(error);
        break;
      }
    }
    this.#isOver = true;
    while (this.#running > 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    await this.#leaveSource();
    this.#relay.end();
  }

  /** Whether one more may be started; also true when there is nothing to wait for. */
  #hasRoom(): boolean {
    if (this.#isOver) return true;
    const { most } = this.#options;
    const waiting = Math.max(FEWEST_WAITING, Math.min(most, this.#scheduler.capacity));
    return this.#running < most && this.#relay.size < waiting;
  }

  async #leaveSource(): Promise<void> {
    if (this.#sourceEnded) return;
    try {
      await this.#iterator.return?.();
    } catch (error) {
      this.#error ??= { error };
    }
  }

  /** Waits for room and starts the command of an item. */
  async #begin(item: T, index: number): Promise<void> {
    const command = await this.#mapper(item, index);
    if (!(command instanceof Command))
      throw invalid('the mapper', command, 'a function that returns a command');
    const { retries, timeout } = this.#options;
    const limit = timeout === undefined ? {} : { timeout };
    const planned = planRun(command.file, command.args, { ...limit, ...command.options });
    const tries = new Tries(retries);
    const lease = await this.#acquire(tries);
    if (lease === undefined || this.#isOver) {
      lease?.release();
      return;
    }
    this.#running += 1;
    void this.#run({ item, index, planned, tries }, lease)
      .catch((error: unknown) => this.#fail(error)) // of a function of the options
      .finally(() => {
        lease.release();
        this.#running -= 1;
        this.#wake?.();
      });
  }

  /** Room, or undefined when all is stopped first. */
  async #acquire(tries: Tries): Promise<Lease | undefined> {
    const { signal } = this.#stopping;
    try {
      return await tries.acquire(this.#scheduler, signal);
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    }
  }

  async #run(work: Work<T>, first: Lease): Promise<void> {
    const { planned, tries } = work;
    const { spec, checked } = planned;
    let lease = first;
    for (;;) {
      const { name } = lease.slot.engine;
      const ending = await this.#try(lease, planned, spec);
      const failed = ending.kind !== 'ended' || isFailure(ending.status, checked.options);
      const mayRetry = failed && tries.add(ending, lease.slot) && !this.#stopping.signal.aborted;
      // Before its room goes to the next, which may not be started any more.
      const halts = !mayRetry && this.#halts(failed);
      lease.release();
      let next: Lease | undefined;
      if (mayRetry) {
        await pauseFor(this.#options.delay(tries.count), this.#stopping.signal);
        next = await this.#acquire(tries).catch(() => undefined); // no slot is left to try it on
      }
      if (next === undefined) {
        await this.#finish(work, ending, { slot: name, failed, halts });
        return;
      }
      lease = next;
    }
  }

  async #try(lease: Lease, planned: Planned, spec: Planned['spec']): Promise<Ending> {
    let job: RemoteJob | undefined;
    try {
      return await attempt(lease, planned, spec, (started) => {
        job = started;
        this.#jobs.add(started);
        if (this.#stopping.signal.aborted) void started.stop().catch(() => {});
      });
    } finally {
      if (job !== undefined) this.#jobs.delete(job);
    }
  }

  /** One has ended for good; whether that ends all. */
  #halts(failed: boolean): boolean {
    const { halting } = this.#options;
    if (this.#stopping.signal.aborted || !halting.add(failed)) return false;
    this.#end();
    if (halting.when === 'now') this.#stop();
    return true;
  }

  async #finish(
    work: Work<T>,
    ending: Ending,
    { slot, failed, halts }: { slot: string; failed: boolean; halts: boolean },
  ): Promise<void> {
    const { item, index, planned } = work;
    let error: Error | undefined;
    let result: Outcome<Out> | undefined;
    try {
      result = (await settle(planned, ending)) as Outcome<Out>;
    } catch (thrown) {
      error = thrown as Error;
      if (ending.kind === 'ended') result = resultOfError(planned, ending) as Outcome<Out>;
    }
    if (halts && this.#options.halting.on === 'fail') this.#error ??= { error };
    const tries = work.tries.count + (failed ? 0 : 1);
    this.#relay.put(index, { item, index, result, error, tries, slot });
  }

  #fail(error: unknown): void {
    this.#error ??= { error };
    this.#end();
    this.#stop();
  }

  #end(): void {
    this.#isOver = true;
    this.#wake?.();
  }

  #stop(): void {
    this.#stopping.abort();
    for (const job of this.#jobs) void job.stop().catch(() => {});
  }
}

interface Work<T> {
  readonly item: T;
  readonly index: number;
  readonly planned: Planned;
  readonly tries: Tries;
}

/** As `map` of a pool. */
export function mapOver<T, Out extends Output>(
  scheduler: Scheduler,
  items: Source<T>,
  mapper: Mapper<T, Out>,
  options: MapOptions,
): AsyncIterableIterator<Mapped<T, Out>> {
  const isIterable = Symbol.asyncIterator in Object(items) || Symbol.iterator in Object(items);
  if (!isIterable) throw invalid('items', items, 'an iterable');
  if (typeof mapper !== 'function') {
    throw invalid('mapper', mapper, 'a function that returns a command');
  }
  const mapping = new Mapping(scheduler, items, mapper, checkOptions(options));
  return {
    next: () => mapping.next(),
    return: () => mapping.return(),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
