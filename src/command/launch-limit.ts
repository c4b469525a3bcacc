/**
 * What ends a launch that takes too long: the timeout of a command, and its signal.
 *
 * @module
 */
import { E } from '../syscall/constants.js';
import { makeRoom } from './listeners.js';
import { after } from './stop.js';

/**
 * Milliseconds that a launch is given when its time is over or its signal was aborted: all but those that are stuck
 * are through by then, and the process is stopped as any other.
 */
export const GRACE = 1000;

/** Called with the errno that says why. */
export type GiveUp = (errno: number) => void;

/** From the start of a command until its program runs. */
export class LaunchLimit {
  readonly #signal: AbortSignal | undefined;
  #cancelTimer: () => void = () => {};
  #giveUp: GiveUp | undefined;
  #errno = 0;

  constructor(signal: AbortSignal | undefined, timeLimit: number) {
    this.#signal = signal;
    if (signal !== undefined) {
      makeRoom(signal, 1);
      signal.addEventListener('abort', this.#abort, { once: true });
    }
    if (timeLimit !== Number.POSITIVE_INFINITY) {
      // What is waited for keeps the event loop alive, where anything does.
      this.#giveUpAfter(timeLimit + GRACE, E.ETIMEDOUT);
    }
  }

  /** Until the returned function is called, `giveUp` is called when the time is over; also if it is already. */
  during(giveUp: GiveUp): () => void {
    this.#giveUp = giveUp;
    if (this.#errno !== 0) giveUp(this.#errno);
    return () => {
      this.#giveUp = undefined;
    };
  }

  /** The program runs, or never will. */
  end(): void {
    this.#cancelTimer();
    if (this.#signal === undefined) return;
    this.#signal.removeEventListener('abort', this.#abort);
    makeRoom(this.#signal, -1);
  }

  readonly #abort = (): void => this.#giveUpAfter(GRACE, E.ECANCELED);

  #giveUpAfter(delay: number, errno: number): void {
    this.#cancelTimer();
    this.#cancelTimer = after(delay, () => this.#fire(errno), false);
  }

  #fire(errno: number): void {
    this.#errno ||= errno;
    this.#giveUp?.(this.#errno);
  }
}
