/**
 * Who wants which signals, on this JavaScript thread.
 *
 * @module
 */
import { completions, native } from '../native.js';
import { SystemError } from '../syscall/errors.js';
import { infoOf, type SignalInfo } from './info.js';
import { keepFromRuntime } from './listeners.js';

/** Somebody who wants signals. */
export interface Receiver {
  deliver(info: SignalInfo): void;
  /** A signal is wanted no more. */
  drop(number: number): void;
}

const receivers = new Map<number, Set<Receiver>>();

/** What came and has not been delivered, from `next` on. */
const arrived: [receiver: Receiver, info: SignalInfo][] = [];
let next = 0;

/** Delivers what came. A receiver that ends another calls it too: the rest is then delivered first. */
function flush(): void {
  for (;;) {
    const [receiver, info] = arrived[next] ?? [];
    if (receiver === undefined || info === undefined) break;
    next++;
    receiver.deliver(info);
  }
  arrived.length = 0;
  next = 0;
}

let token = 0;

/** Only collects: code of others, which may end streams, runs when all of a batch is here. */
function collect(row: Float64Array, at: number): void {
  const info = infoOf(row, at);
  if (arrived.length === 0) queueMicrotask(flush);
  for (const receiver of receivers.get(info.number) ?? []) arrived.push([receiver, info]);
}

/** From here on `receiver` gets a signal. */
export function subscribe(number: number, receiver: Receiver): void {
  const set = receivers.get(number);
  if (set !== undefined) {
    set.add(receiver);
    return;
  }
  if (token === 0) token = completions.register(collect);
  keepFromRuntime(number, true);
  const error = native.watchSignal(number, token);
  if (error !== 0) {
    keepFromRuntime(number, false);
    throw new SystemError('sigaction', error);
  }
  receivers.set(number, new Set([receiver]));
}

/**
 * Undoes `subscribe`. What came until then is delivered before it returns, and nothing afterwards.
 */
export function unsubscribe(number: number, receiver: Receiver): void {
  const set = receivers.get(number);
  if (set?.has(receiver)) {
    // What came is collected here, and delivered below.
    if (set.size > 1) {
      native.flushSignals();
      set.delete(receiver);
    } else {
      native.unwatchSignal(number, token);
      receivers.delete(number);
      keepFromRuntime(number, false);
    }
  }
  flush();
}

/** Ends every receiver's part in a signal. */
export function dropAll(number: number): void {
  for (const receiver of [...(receivers.get(number) ?? [])]) receiver.drop(number);
}

/** Whether somebody wants a signal. */
export function watched(number: number): boolean {
  return receivers.has(number);
}
