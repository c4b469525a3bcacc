/**
 * AbortSignals of any realm: jsdom, `node:vm` contexts and polyfills have classes of their own.
 *
 * @module
 */
import { invalid } from '../syscall/check.js';
import { makeRoom } from './listeners.js';

/** Checks an AbortSignal by the members that this library uses. */
export function checkAbortSignal(option: string, value: unknown): void {
  if (value === undefined) return;
  const signal = Object(value) as Partial<AbortSignal>;
  const methods = [signal.addEventListener, signal.removeEventListener];
  if (typeof signal.aborted === 'boolean' && methods.every((one) => typeof one === 'function')) {
    return;
  }
  throw invalid(option, value, 'an AbortSignal');
}

/** As its own `throwIfAborted`, which polyfills may lack, and the reason too. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  throw signal.reason ?? new DOMException('This operation was aborted', 'AbortError');
}

/** Calls `abort` once a signal aborts; not after the returned function was called. */
export function onAbort(signal: AbortSignal | undefined, abort: () => void): () => void {
  if (signal === undefined) return () => {};
  makeRoom(signal, 1);
  signal.addEventListener('abort', abort, { once: true });
  return () => {
    signal.removeEventListener('abort', abort);
    makeRoom(signal, -1);
  };
}
