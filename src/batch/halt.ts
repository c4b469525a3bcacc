/**
 * When a batch is ended early.
 *
 * @module
 */
import { checkKeys } from '../launch/values.js';
import { checkInteger, invalid } from '../syscall/check.js';

/** When a batch ends before all items were run. */
export interface HaltOptions {
  /** `'soon'`: no more is started, and what runs ends on its own; `'now'`: what runs is stopped. */
  when: 'soon' | 'now';
  /** What is counted: commands that failed, that did not, or both. Default: `'fail'`. */
  on?: 'fail' | 'success' | 'done' | undefined;
  /** How many, or which part of all that have ended, as `'30%'`. Default: 1. */
  count?: number | `${number}%` | undefined;
}

/** `'now'` and `'soon'` are for the first failure. */
export type Halt = 'never' | 'soon' | 'now' | HaltOptions;

/** A percentage is looked at once so many have ended. */
const ENOUGH_FOR_PERCENT = 3;

/** Counts what has ended, and says when that is enough. */
export class Halting {
  readonly when: 'never' | 'soon' | 'now';
  readonly on: 'fail' | 'success' | 'done';
  readonly #count: number;
  /** Of all, from 0 to 1; undefined for a number of them. */
  readonly #part: number | undefined;
  failed = 0;
  succeeded = 0;

  constructor(halt: Halt) {
    const { when, on = 'fail', count = 1 } = typeof halt === 'object' ? halt : { when: halt };
    this.when = when;
    this.on = on;
    this.#part = typeof count === 'string' ? Number.parseFloat(count) / 100 : undefined;
    this.#count = typeof count === 'string' ? 0 : count;
  }

  /** Whether the first that counts is enough; `total` is how many there are. */
  isFirst(total: number): boolean {
    return this.#part === undefined ? this.#count === 1 : this.#part * total === 1;
  }

  get isPercentage(): boolean {
    return this.#part !== undefined;
  }

  /** One has ended; whether that is enough. `total` is how many there are, where that is known. */
  add(failed: boolean, total?: number): boolean {
    if (failed) this.failed += 1;
    else this.succeeded += 1;
    if (this.when === 'never') return false;
    const done = this.failed + this.succeeded;
    const counted = { fail: this.failed, success: this.succeeded, done }[this.on];
    if (this.#part === undefined) return counted >= this.#count;
    if (total === undefined && done < ENOUGH_FOR_PERCENT) return false;
    return counted / (total ?? done) >= this.#part;
  }
}

/** What a `halt` option is to be. */
export function checkHalt(option: string, halt: Halt): Halt {
  if (halt === 'never' || halt === 'soon' || halt === 'now') return halt;
  if (typeof halt !== 'object' || halt === null) {
    throw invalid(option, halt, "'never', 'soon', 'now' or { when, on, count }");
  }
  checkKeys(option, halt, ['when', 'on', 'count']);
  const { when, on = 'fail', count = 1 } = halt;
  if (when !== 'soon' && when !== 'now') throw invalid(`${option}.when`, when, "'soon' or 'now'");
  if (!['fail', 'success', 'done'].includes(on)) {
    throw invalid(`${option}.on`, on, "'fail', 'success' or 'done'");
  }
  if (typeof count === 'string') {
    const part = /^(\d+(\.\d+)?)%$/.exec(count) === null ? Number.NaN : Number.parseFloat(count);
    if (!(part > 0 && part <= 100)) throw invalid(`${option}.count`, count, "a part such as '30%'");
  } else checkInteger(`${option}.count`, count, 1, Number.MAX_SAFE_INTEGER);
  return halt;
}
