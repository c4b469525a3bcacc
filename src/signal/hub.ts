/**
 * The receivers of signals on this JavaScript thread.
 *
 * @module
 */
import { completions, native } from '../native.js';
import { ACTION } from '../protocol.js';
import { threadError } from '../syscall/errors.js';
import { clearTimeout, queueMicrotask, setTimeout } from '../time.js';
import { infoOf, type SignalInfo } from './info.js';
import { keepFromRuntime, noteArrival, silence, unsilence } from './listeners.js';

/** A receiver of signals. */
export interface Receiver {
  deliver(info: SignalInfo): void;
  /** Ends the receiver's part in a signal. */
  drop(number: number): void;
}

const receivers = new Map<number, Set<Receiver>>();

/** The signals that arrived; those from `next` on have not been delivered. */
const arrived: [receiver: Receiver, info: SignalInfo][] = [];
let next = 0;

/**
 * Delivers the signals that arrived. A receiver that ends another one calls it too, for the rest.
 */
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

/** Only collects: listeners, which may end streams, run when the whole batch has arrived. */
function collect(row: Float64Array, at: number): void {
  const info = infoOf(row, at);
  noteArrival(info.number);
  const ending = endings.size === 0 ? undefined : endings.get(info.number);
  if (ending !== undefined) ending.missed = true;
  if (arrived.length === 0) queueMicrotask(flush);
  for (const receiver of receivers.get(info.number) ?? []) arrived.push([receiver, info]);
}

/** A signal without a receiver, while the runtime has yet to handle what arrived before. */
interface Ending {
  readonly timer: NodeJS.Timeout;
  /** Whether the signal arrived since then. */
  missed: boolean;
  watching: boolean;
}

const endings = new Map<number, Ending>();

function unwatch(number: number): void {
  native.unwatchSignal(number, token);
  const ending = endings.get(number);
  if (ending !== undefined) ending.watching = false;
}

/** Gives a signal that was missed the effect that it should have had when it arrived. */
function finish(number: number): void {
  const ending = endings.get(number);
  keepFromRuntime(number, false);
  if (ending?.watching) unwatch(number);
  endings.delete(number);
  if (ending?.missed) process.kill(process.pid, number);
}

/** Undoes `begin`; on Deno, whose handler runs late, a little later. */
function end(number: number): void {
  const late = silence(number);
  const watching = late > 0 && native.signalAction(number) !== ACTION.oursAboveIgnored;
  if (!watching) unwatch(number);
  receivers.delete(number);
  if (late > 0) {
    const timer = setTimeout(finish, late, number).unref();
    endings.set(number, { timer, missed: false, watching });
  } else {
    keepFromRuntime(number, false);
  }
}

/** Prepares a signal for its first receiver. Returns 0 or an errno. */
function begin(number: number): number {
  if (token === 0) token = completions.register(collect);
  const ending = endings.get(number);
  clearTimeout(ending?.timer);
  if (ending?.missed) finish(number);
  endings.delete(number);
  keepFromRuntime(number, true);
  if (ending?.watching) {
    unsilence(number);
    return 0;
  }
  const error = native.watchSignal(number, token);
  if (error !== 0) keepFromRuntime(number, false);
  return error;
}

/** Adds a receiver of a signal. */
export function subscribe(number: number, receiver: Receiver): void {
  const set = receivers.get(number);
  if (set !== undefined) {
    set.add(receiver);
    return;
  }
  const error = begin(number);
  if (error !== 0) throw threadError('sigaction', error);
  receivers.set(number, new Set([receiver]));
}

/**
 * Undoes `subscribe`. Signals that arrived earlier are delivered before it returns, and none later.
 */
export function unsubscribe(number: number, receiver: Receiver): void {
  const set = receivers.get(number);
  if (set?.has(receiver)) {
    // Signals that arrived are collected here and delivered below.
    if (set.size > 1) {
      native.flushSignals();
      set.delete(receiver);
    } else {
      end(number);
    }
  }
  flush();
}

/** Ends every receiver's part in a signal. An ignored signal cannot be missed. */
export function dropAll(number: number, isIgnored: boolean): void {
  for (const receiver of [...(receivers.get(number) ?? [])]) receiver.drop(number);
  const ending = endings.get(number);
  if (isIgnored && ending?.watching) unwatch(number);
  // The library's own listener may have stayed because the signal was ignored.
  if (!isIgnored && ending === undefined && !receivers.has(number)) keepFromRuntime(number, false);
}

/** Whether a signal has a receiver. */
export function watched(number: number): boolean {
  return receivers.has(number);
}
