/**
 * The items of jobs as they are taken, one job after another.
 *
 * @module
 */

type Items = readonly string[];

/** Hands out the items of one job at a time, at once where they have been read. */
export class Supply {
  readonly #batches: AsyncIterator<readonly Items[]>;
  #batch: readonly Items[] = [];
  #at = 0;
  /** Ends the waiting for items. */
  #leave: (() => void) | undefined;

  constructor(batches: AsyncIterator<readonly Items[]>) {
    this.#batches = batches;
  }

  /** The next items; undefined where there are none, or they are waited for no more. */
  next(): Items | Promise<Items | undefined> {
    const items = this.#batch[this.#at];
    if (items === undefined) return this.#read();
    this.#at += 1;
    return items;
  }

  async #read(): Promise<Items | undefined> {
    const left = new Promise<undefined>((resolve) => {
      this.#leave = () => resolve(undefined);
    });
    const result = await Promise.race([this.#batches.next(), left]);
    this.#leave = undefined;
    if (result === undefined || result.done) return undefined;
    this.#batch = result.value;
    this.#at = 1;
    return this.#batch[0];
  }

  /** No item is waited for any more. */
  leave(): void {
    this.#leave?.();
  }

  /** No more is asked for. Not waited for: it may be reading stdin, which has no end. */
  end(): void {
    void this.#batches.return?.().then(undefined, () => {});
  }
}
