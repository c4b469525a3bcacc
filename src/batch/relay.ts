/**
 * Results on their way to whoever iterates.
 *
 * @module
 */

/** Hands values on as they come, or by their number. */
export class Relay<T> {
  readonly #inOrder: boolean;
  readonly #taken: () => void;
  readonly #values = new Map<number, T>();
  #next = 0;
  #ended = false;
  #takers: ((value: T | undefined) => void)[] = [];

  /** `taken` is called whenever one was taken. */
  constructor(inOrder: boolean, taken: () => void) {
    this.#inOrder = inOrder;
    this.#taken = taken;
  }

  /** How many wait to be taken. */
  get size(): number {
    return this.#values.size;
  }

  put(index: number, value: T): void {
    this.#values.set(index, value);
    this.#hand();
  }

  /** The next value; undefined at the end. */
  take(): Promise<T | undefined> {
    return new Promise((resolve) => {
      this.#takers.push(resolve);
      this.#hand();
    });
  }

  /** No more will come. */
  end(): void {
    this.#ended = true;
    this.#hand();
  }

  /** Nobody takes any more. */
  abandon(): void {
    this.#values.clear();
  }

  #pick(): number | undefined {
    // In order, a number that is missing at the end was never started.
    if (this.#inOrder && (this.#values.has(this.#next) || !this.#ended)) return this.#next;
    if (this.#values.size === 0) return undefined;
    const [first] = this.#values.keys();
    return this.#inOrder ? Math.min(...this.#values.keys()) : first;
  }

  #hand(): void {
    while (this.#takers.length > 0) {
      const index = this.#pick();
      const value = index === undefined ? undefined : this.#values.get(index);
      if (index !== undefined && value !== undefined) {
        this.#values.delete(index);
        this.#next = index + 1;
        this.#takers.shift()?.(value);
        this.#taken();
      } else if (this.#ended) this.#takers.shift()?.(undefined);
      else return;
    }
  }
}
