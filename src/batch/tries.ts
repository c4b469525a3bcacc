/**
 * Running a job again: after a failure, and after the loss of its slot.
 *
 * @module
 */
import { makeRoom } from '../command/listeners.js';
import { after } from '../command/stop.js';
import type { Ending } from './attempt.js';
import type { Lease, Scheduler } from './scheduler.js';
import type { Slot } from './slot.js';

/**
 * How often a job was tried.
 *
 * Who was alone on a slot when its agent ended has lost a try. Of several jobs one was the reason, and
 * nobody knows which: each is run again alone, where it shows, and only then does the loss count.
 */
export class Tries {
  readonly #most: number;
  #counted = 0;
  #suspected = 0;
  #avoid: Slot | undefined;

  /** `retries` is how often it may be run again. */
  constructor(retries: number) {
    this.#most = retries + 1;
  }

  /** How often it was run, as far as that counts. */
  get count(): number {
    return this.#counted + this.#suspected;
  }

  /** Whether it may be run again after this. */
  add(ending: Ending | { readonly kind: 'failure' }, slot: Slot): boolean {
    this.#avoid = slot;
    if (ending.kind !== 'lost') {
      this.#counted += 1;
      return this.#counted < this.#most;
    }
    if (ending.company && this.#most > 1) {
      this.#suspected += 1;
      return true;
    }
    this.#counted += 1;
    return this.#counted + this.#suspected < this.#most;
  }

  /** Room for the next try; rejects when the signal aborts first. */
  acquire(scheduler: Scheduler, signal?: AbortSignal): Promise<Lease> {
    return scheduler.acquire({ alone: this.#suspected > 0, avoid: this.#avoid, signal });
  }
}

/** Waits, or until the signal aborts. */
export function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
  if (!(ms > 0) || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal.removeEventListener('abort', done);
      makeRoom(signal, -1);
      resolve();
    };
    const cancel = after(ms, done, true);
    makeRoom(signal, 1);
    signal.addEventListener('abort', done);
  });
}
