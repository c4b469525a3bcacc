/**
 * Which job runs on which slot, and when.
 *
 * @module
 */
import type { JobSpec } from '../agent/protocol.js';
import { throwIfAborted } from '../command/abort-signal.js';
import { makeRoom } from '../command/listeners.js';
import type { Engine } from './engines.js';
import { closedError, SlotError } from './error.js';
import type { JobEvents, RemoteJob } from './remote-job.js';
import { Slot, type SlotInfo } from './slot.js';

/** Room for one job on a slot. */
export interface Lease {
  readonly slot: Slot;
  /** From 1 on; no two that are held at the same time have the same. */
  readonly number: number;
  start(spec: JobSpec, events: JobEvents): RemoteJob;
  /** Gives the room back. */
  release(): void;
}

/** What kind of room is asked for. */
export interface Wanted {
  /** No other job is to be there at the same time. */
  readonly alone?: boolean;
  /** Another slot is better, where there is one. */
  readonly avoid?: Slot | undefined;
  /** Ends the waiting; it rejects with the reason. */
  readonly signal?: AbortSignal | undefined;
}

interface Waiter extends Wanted {
  resolve(lease: Lease): void;
  reject(error: Error): void;
}

export class Scheduler {
  readonly #slots: Slot[];
  #queue: Waiter[] = [];
  readonly #numbers = new Set<number>();
  #lowest = 1;
  #closing: Promise<void> | undefined;

  /** `keep` is a descriptor that is held until all that ran here has ended, even if we are killed. */
  constructor(engines: readonly Engine[], heartbeat: number, keep?: number) {
    const events = { changed: () => this.#dispatch(), failed: () => this.#failed() };
    this.#slots = engines.map((engine) => new Slot(engine, heartbeat, events, keep));
  }

  get slots(): readonly SlotInfo[] {
    return this.#slots.map((slot) => slot.info);
  }

  /** Jobs that can run at once, by what is known now. */
  get capacity(): number {
    let capacity = 0;
    for (const slot of this.#slots) if (slot.state !== 'failed') capacity += slot.capacity;
    return capacity;
  }

  /** Waits for room. Rejects when there is no slot any more. */
  async acquire(wanted: Wanted = {}): Promise<Lease> {
    const { signal } = wanted;
    throwIfAborted(signal);
    if (signal === undefined) return this.wait(wanted).lease;
    makeRoom(signal, 1);
    const { lease, giveUp } = this.wait(wanted);
    const abort = (): void => giveUp(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    try {
      return await lease;
    } finally {
      signal.removeEventListener('abort', abort);
      makeRoom(signal, -1);
    }
  }

  /** As `acquire` without its signal: `giveUp` ends the waiting, which rejects with a reason. */
  wait(wanted: Omit<Wanted, 'signal'> = {}): {
    readonly lease: Promise<Lease>;
    giveUp(reason: Error): void;
  } {
    let giveUp: (reason: Error) => void = () => {};
    const lease = new Promise<Lease>((resolve, reject) => {
      const { alone, avoid } = wanted;
      const waiter = { alone: alone === true, avoid, resolve, reject };
      giveUp = (reason) => {
        this.#queue = this.#queue.filter((each) => each !== waiter);
        reject(reason);
        this.#dispatch();
      };
      this.#queue.push(waiter);
      this.#dispatch();
    });
    return { lease, giveUp };
  }

  /** Room now, or undefined. */
  tryAcquire(): Lease | undefined {
    if (this.#queue.length > 0 || this.#closing !== undefined) return undefined;
    const slot = this.#roomFor({});
    return slot && this.#lease(slot, false);
  }

  /** Why there can be no room any more; undefined while there can. */
  get failure(): Error | undefined {
    if (this.#closing !== undefined) return closedError();
    if (this.#slots.some(({ state }) => state !== 'failed')) return undefined;
    const errors = this.#slots.map(({ error }) => error as Error);
    if (errors.length === 1) return errors[0];
    const messages = errors.map(({ message }) => message).join('\n');
    return new SlotError(
      'ERR_SLOT_FAILED',
      { name: 'pool' },
      `none of ${errors.length} slots is left:\n${messages}`,
      '',
      errors[0],
    );
  }

  /** Ends all jobs and agents. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await undefined; // `failure` is of a pool that is being closed from here on
    this.#failed();
    await Promise.all(this.#slots.map((slot) => slot.close()));
  }

  #failed(): void {
    const { failure } = this;
    if (failure === undefined) {
      this.#dispatch();
      return;
    }
    for (const { reject } of this.#queue.splice(0)) reject(failure);
  }

  #dispatch(): void {
    if (this.#queue.length === 0) return;
    if (this.failure !== undefined) {
      this.#failed();
      return;
    }
    // In order: who wants a slot alone is not passed by those who come later.
    while (this.#queue.length > 0) {
      const waiter = this.#queue[0] as Waiter;
      const slot = this.#roomFor(waiter);
      if (slot === undefined) return;
      this.#queue.shift();
      waiter.resolve(this.#lease(slot, waiter.alone === true));
    }
  }

  /** The slot with most room, of those that suit. */
  #roomFor({ alone = false, avoid }: Wanted): Slot | undefined {
    let best: Slot | undefined;
    let room = 0;
    for (const slot of this.#slots) {
      if (!slot.hasRoom || (alone && slot.running > 0)) continue;
      const share = (slot.capacity - slot.running) / slot.capacity - (slot === avoid ? 2 : 0);
      if (best !== undefined && share <= room) continue;
      best = slot;
      room = share;
    }
    return best;
  }

  #lease(slot: Slot, alone: boolean): Lease {
    while (this.#numbers.has(this.#lowest)) this.#lowest += 1;
    const number = this.#lowest;
    this.#numbers.add(number);
    slot.running += 1;
    if (alone) slot.isExclusive = true;
    let released = false;
    return {
      slot,
      number,
      start: (spec, events) => slot.start(spec, events),
      release: () => {
        if (released) return;
        released = true;
        this.#numbers.delete(number);
        this.#lowest = Math.min(this.#lowest, number);
        slot.running -= 1;
        if (alone) slot.isExclusive = false;
        this.#dispatch();
      },
    };
  }
}
