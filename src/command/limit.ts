/**
 * A limit of what runs at once.
 *
 * @module
 */
import { checkInteger, invalid } from '../syscall/check.js';

/** Starts what it is called with once fewer than the limit are running; in the order of the calls. */
export interface Limit {
  /** Resolves or rejects as what `body` returns. */
  <T>(body: () => T | PromiseLike<T>): Promise<T>;
  /** How many run now. */
  readonly running: number;
  /** How many wait for their turn. */
  readonly waiting: number;
}

/**
 * Limits how many commands, or any asynchronous functions, run at once:
 * `const limit = limitTo(8); await Promise.all(files.map((file) => limit(() => run('wc', [file]))))`.
 *
 * @param most At least 1.
 * @throws RangeError when it is not.
 */
export function limitTo(most: number): Limit {
  checkInteger('most', most, 1, Number.MAX_SAFE_INTEGER);
  let running = 0;
  const waiting: (() => void)[] = [];
  const limit = async <T>(body: () => T | PromiseLike<T>): Promise<T> => {
    if (typeof body !== 'function') throw invalid('body', body, 'a function that starts something');
    // Who is let in by the end of another takes its place, which nobody else can take meanwhile.
    if (running < most) running += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await body();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
  return Object.defineProperties(limit, {
    running: { get: () => running },
    waiting: { get: () => waiting.length },
  }) as Limit;
}
