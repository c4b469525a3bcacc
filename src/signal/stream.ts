/**
 * Signals as a stream.
 *
 * @module
 */

import { completions } from '../native.js';
import { invalid } from '../syscall/check.js';
import { queueMicrotask } from '../time.js';
import { type Receiver, subscribe, unsubscribe } from './hub.js';
import type { SignalInfo } from './info.js';

type Listener = (info: SignalInfo) => void;

/** A stream of signals that runs until `stop`. */
export interface SignalStream extends AsyncIterable<SignalInfo>, Disposable {
  /**
   * Ends the stream. No signal arrives after it has returned: each was delivered, or had the effect
   * that it has without this stream. An iteration gets the signals it has not taken yet, and ends.
   */
  stop(): void;
  /** Calls `listener` for each signal, instead of iterating. */
  on(event: 'signal', listener: Listener): this;
  /**
   * Keeps the event loop alive while the stream runs; `unref` does not. By default only an
   * iteration that waits for the next signal keeps it alive, and listeners do not.
   */
  ref(): this;
  /** See `ref`. */
  unref(): this;
}

/** How many signals wait to be taken; more are dropped and counted. */
const WAITING_MAX = 131_072;

type Taker = (result: IteratorResult<SignalInfo, undefined>) => void;

/** First in, first out, without moving the remaining items at each `shift`. */
class Queue<T> {
  #items: T[] = [];
  #taken = 0;

  get length(): number {
    return this.#items.length - this.#taken;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.#items[this.#taken];
    if (this.length > 0) this.#taken++;
    if (this.#taken > 1000 && this.#taken > this.length) {
      this.#items = this.#items.slice(this.#taken);
      this.#taken = 0;
    }
    return item;
  }
}

/** Calls a listener. An error in it must not cost other listeners their signal. */
function callSafely(listener: Listener, info: SignalInfo): void {
  try {
    listener(info);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

export class Stream implements SignalStream, Receiver {
  readonly #numbers = new Set<number>();
  readonly #waiting = new Queue<SignalInfo>();
  readonly #takers = new Queue<Taker>();
  readonly #listeners: Listener[] = [];
  readonly #dropped = new Map<number, number>();
  #wanted: boolean | undefined;
  #retained = false;

  constructor(numbers: readonly number[]) {
    try {
      for (const number of numbers) {
        subscribe(number, this);
        this.#numbers.add(number);
      }
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  deliver(arrived: SignalInfo): void {
    const { number } = arrived;
    const dropped = arrived.dropped + (this.#dropped.get(number) ?? 0);
    if (this.#waiting.length >= WAITING_MAX) {
      this.#dropped.set(number, dropped + 1);
      return;
    }
    this.#dropped.delete(number);
    const info = dropped === arrived.dropped ? arrived : { ...arrived, dropped };
    if (this.#listeners.length > 0) {
      for (const listener of this.#listeners) callSafely(listener, info);
      return;
    }
    const take = this.#takers.shift();
    if (take === undefined) this.#waiting.push(info);
    else take({ done: false, value: info });
    this.#retain();
  }

  on(event: 'signal', listener: Listener): this {
    if (event !== 'signal') throw invalid('event', event, "'signal'");
    if (typeof listener !== 'function') throw invalid('listener', listener, 'a function');
    this.#listeners.push(listener);
    for (let info = this.#waiting.shift(); info !== undefined; info = this.#waiting.shift()) {
      callSafely(listener, info);
    }
    return this;
  }

  stop(): void {
    for (const number of [...this.#numbers]) this.drop(number);
    this.#end();
  }

  drop(number: number): void {
    unsubscribe(number, this);
    this.#numbers.delete(number);
    this.#end();
  }

  /** Ends iterations once no signal can arrive. */
  #end(): void {
    if (this.#numbers.size > 0) return;
    for (let take = this.#takers.shift(); take !== undefined; take = this.#takers.shift()) {
      take({ done: true, value: undefined });
    }
    this.#retain();
  }

  ref(): this {
    this.#wanted = true;
    return this.#retain();
  }

  unref(): this {
    this.#wanted = false;
    return this.#retain();
  }

  /** Keeps the event loop alive, or stops doing so. */
  #retain(): this {
    const wanted = this.#numbers.size > 0 && (this.#wanted ?? this.#takers.length > 0);
    if (wanted !== this.#retained) completions[wanted ? 'retain' : 'release']();
    this.#retained = wanted;
    return this;
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  [Symbol.asyncIterator](): AsyncIterator<SignalInfo, undefined> {
    return {
      next: () => {
        const value = this.#waiting.shift();
        if (value !== undefined) return Promise.resolve({ done: false, value });
        if (this.#numbers.size === 0) return Promise.resolve({ done: true, value: undefined });
        return new Promise((resolve) => {
          this.#takers.push(resolve);
          this.#retain();
        });
      },
      return: () => {
        this.stop();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }
}
