/**
 * What ends a launch that takes too long: the timeout of a command, and its signal.
 *
 * @module
 */
import { E } from '../syscall/constants.js';
import { onAbort } from './abort-signal.js';
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
  readonly #forgetSignal: () => void;
  #cancelTimer: () => void = () => {};
  #giveUp: GiveUp | undefined;
  #errno = 0;

  constructor(signal: AbortSignal | undefined, timeLimit: number) {
    this.#forgetSignal = onAbort(signal, () => this.#giveUpAfter(GRACE, E.ECANCELED));
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
    this.#forgetSignal();
  }

  #giveUpAfter(delay: number, errno: number): void {
    this.#cancelTimer();
    this.#cancelTimer = after(delay, () => this.#fire(errno), false);
  }

  #fire(errno: number): void {
    this.#errno ||= errno;
    this.#giveUp?.(this.#errno);
  }
}
