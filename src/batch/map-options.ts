/**
 * What `map` of a pool takes and yields.
 *
 * @module
 */
import type { Command } from '../command/command.js';
import type { Outcome } from '../command/result.js';
import { checkDelay } from '../command/stop.js';
import type { Output } from '../command/types.js';
import { takeOptions } from '../launch/values.js';
import { checkInteger, invalid } from '../syscall/check.js';
import { checkHalt, type Halt, Halting } from './halt.js';

/** Where items come from. */
export type Source<T> = Iterable<T> | AsyncIterable<T>;

/** The command for an item. */
export type Mapper<T, Out extends Output> = (
  item: T,
  index: number,
) => Command<Out> | PromiseLike<Command<Out>>;

/** Options of `map`. */
export interface MapOptions {
  /** Commands at once, at most. Default: as many as the slots have room for. */
  concurrency?: number | undefined;
  /** How often a command is run again that failed, or whose slot was lost. Default: 0. */
  retries?: number | undefined;
  /**
   * Milliseconds before the first retry, twice as many before the next and so on; or a function of the
   * number of tries so far. Default: 0.
   */
  backoff?: number | ((tries: number) => number) | undefined;
  /** Milliseconds for each try of a command whose options have no `timeout`. Default: no limit. */
  timeout?: number | undefined;
  /** When all is ended early. Default: `'never'`. */
  halt?: Halt | undefined;
  /** Whether results come as commands end, or in the order of the items. Default: `'completion'`. */
  order?: 'completion' | 'input' | undefined;
}

/** What came of one item. */
export interface Mapped<T, Out extends Output> {
  /** As the source had it. */
  readonly item: T;
  /** Of the item, from 0 on. */
  readonly index: number;
  /** The result of a command that ran to its end, also where it failed; else undefined. */
  readonly result: Outcome<Out> | undefined;
  /** An ExitError or LaunchError of the last try; undefined where that succeeded. */
  readonly error: Error | undefined;
  /** How often it was run. */
  readonly tries: number;
  /** The engine of the slot of the last try. */
  readonly slot: string;
}

/** With their defaults. */
export interface CheckedOptions {
  readonly most: number;
  readonly retries: number;
  readonly delay: (tries: number) => number;
  readonly timeout: number | undefined;
  readonly halting: Halting;
  readonly order: 'completion' | 'input';
}

/** Checks the options and gives them their defaults. */
export function checkOptions(given: MapOptions): CheckedOptions {
  const names = ['concurrency', 'retries', 'backoff', 'timeout', 'halt', 'order'];
  const options = takeOptions('options', given, names);
  const { concurrency, retries = 0, backoff = 0, timeout, halt = 'never' } = options;
  const { order = 'completion' } = options;
  if (concurrency !== undefined) checkInteger('concurrency', concurrency, 1, 2 ** 31 - 1);
  checkInteger('retries', retries, 0, Number.MAX_SAFE_INTEGER);
  if (typeof backoff !== 'function') checkDelay('backoff', backoff);
  if (timeout !== undefined) checkDelay('timeout', timeout);
  if (order !== 'completion' && order !== 'input') {
    throw invalid('order', order, "'completion' or 'input'");
  }
  const delay =
    typeof backoff === 'function' ? backoff : (tries: number) => backoff * 2 ** (tries - 1);
  const most = concurrency ?? Number.POSITIVE_INFINITY;
  return { most, retries, delay, timeout, halting: new Halting(checkHalt('halt', halt)), order };
}
