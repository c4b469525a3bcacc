/**
 * The pipes of a command that are in use, until they end or are cut off.
 *
 * @module
 */
import type { HeldStream } from '../process/status.js';
import { now } from '../time.js';
import type { Channel } from './channel.js';
import { holdersOf } from './holders.js';
import { after } from './stop.js';

/** Something that reads or writes a pipe until its end. */
export interface Reading {
  readonly channel: Channel;
  readonly ended: Promise<unknown>;
  /** No more is waited for. */
  cutOff(): void;
}

/** Cuts pipes off some time after the process has ended, whether anybody awaits that or not. */
export class Readings {
  /** Those that have not ended, by the child's descriptor. */
  readonly #open = new Map<number, Reading>();
  readonly #ended: Promise<unknown>[] = [];
  readonly #held: HeldStream[] = [];
  /** When they are cut off, as `now` counts. */
  #deadline = Number.POSITIVE_INFINITY;
  #cancel: (() => void) | undefined;
  #awaited = false;

  readonly #over: Promise<void>;
  #giveUp: () => void = () => {};

  /** `waitDelay` in milliseconds. */
  constructor(exited: Promise<unknown>, waitDelay: number) {
    this.#over = new Promise((resolve) => {
      this.#giveUp = resolve;
    });
    void exited.then(() => {
      this.#deadline = now() + waitDelay;
      this.#arm();
    });
  }

  add(fd: number, reading: Reading): void {
    this.#open.set(fd, reading);
    // What was cut off is over, whether anybody reads what is left of it or not.
    const ended = Promise.race([reading.ended, this.#over]).finally(() => {
      this.#open.delete(fd);
      if (this.#open.size === 0) this.#disarm();
    });
    ended.catch(() => {}); // `settled` tells of it
    this.#ended.push(ended);
    // Asked for too late to be waited for: it has what is there.
    if (now() >= this.#deadline) this.#cutOff();
    else this.#arm();
  }

  /**
   * Resolves once all have ended or were cut off, to those that others still had open then; to be
   * asked when the process has ended. Rejects with the error of one that failed.
   */
  async settled(): Promise<readonly HeldStream[]> {
    // Who waits for it keeps the event loop alive; who only reads has a pipe that does so.
    this.#awaited = true;
    this.#disarm();
    this.#arm();
    await Promise.all(this.#ended);
    return this.#held;
  }

  #arm(): void {
    const delay = this.#deadline - now();
    if (delay === Number.POSITIVE_INFINITY || this.#open.size === 0) return;
    if (this.#cancel !== undefined) return;
    this.#cancel = after(Math.max(delay, 0), () => this.#cutOff(), this.#awaited);
  }

  #disarm(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #cutOff(): void {
    this.#disarm();
    const held = [...this.#open].filter(([, { channel }]) => channel.held);
    const ours = new Map(held.map(([fd, { channel }]) => [fd, channel.fd]));
    if (ours.size > 0) this.#held.push(...holdersOf(ours));
    for (const reading of this.#open.values()) reading.cutOff();
    this.#giveUp();
  }
}
