/**
 * Who wants which signals, on this JavaScript thread.
 *
 * @module
 */
import { completions, native } from '../native.js';
import { SystemError } from '../syscall/errors.js';
import { infoOf, type SignalInfo } from './info.js';
import { table } from './table.js';

/** Somebody who wants signals. */
export interface Receiver {
  deliver(info: SignalInfo): void;
  /** A signal is wanted no more. */
  drop(number: number): void;
}

const receivers = new Map<number, Set<Receiver>>();

/** Signals that are ignored whenever nobody catches them. */
const ignoredOtherwise = new Set<number>();

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

/** The number of a signal that listeners of `process` can be for. */
function numberOf(event: string | symbol): number {
  return table.find(({ name }) => name === event)?.number ?? 0;
}

/** Puts our handler on top again, with the one that took its place below. */
function renew(number: number): void {
  if (receivers.has(number)) native.rewatchSignal(number);
}

/**
 * libuv installs its handler when the first listener of `process` for a signal comes. Node has done
 * that before it tells us; others do it right afterwards.
 */
function listenerAdded(event: string | symbol): void {
  const number = numberOf(event);
  if (number === 0) return;
  renew(number);
  queueMicrotask(() => renew(number));
}

/** And it sets the default when the last one goes, also where the signal was ignored before. */
function listenerRemoved(event: string | symbol): void {
  const number = numberOf(event);
  if (number === 0) return;
  const settle = (): void => {
    renew(number);
    const free = ignoredOtherwise.has(number) && process.listenerCount(event) === 0;
    if (free) native.setSignalAction(number, true);
  };
  settle();
  queueMicrotask(settle);
}

let watchesListeners = false;

function watchListeners(): void {
  const wanted = receivers.size > 0 || ignoredOtherwise.size > 0;
  if (wanted === watchesListeners) return;
  watchesListeners = wanted;
  const change = wanted ? 'on' : 'off';
  process[change]('newListener', listenerAdded);
  process[change]('removeListener', listenerRemoved);
}

/** From here on `receiver` gets a signal. */
export function subscribe(number: number, receiver: Receiver): void {
  const set = receivers.get(number);
  if (set !== undefined) {
    set.add(receiver);
    return;
  }
  if (token === 0) token = completions.register(collect);
  const error = native.watchSignal(number, token);
  if (error !== 0) throw new SystemError('sigaction', error);
  receivers.set(number, new Set([receiver]));
  watchListeners();
}

/**
 * Undoes `subscribe`. What came until then is delivered before it returns, and nothing afterwards.
 */
export function unsubscribe(number: number, receiver: Receiver): void {
  const set = receivers.get(number);
  if (set?.has(receiver)) {
    if (set.size > 1) {
      set.delete(receiver);
    } else {
      native.unwatchSignal(number); // what came is collected here, and delivered below
      receivers.delete(number);
      watchListeners();
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

/** Ignores a signal, or goes back to what was done on it before. */
export function setIgnored(number: number, ignored: boolean): void {
  const error = native.setSignalAction(number, ignored);
  if (error > 0) throw new SystemError('sigaction', error);
  if (ignored) ignoredOtherwise.add(number);
  else ignoredOtherwise.delete(number);
  watchListeners();
}
