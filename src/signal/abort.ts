/**
 * Signals as AbortSignals.
 *
 * @module
 */
import type { Signal } from '../syscall/signals.js';
import type { SignalInfo } from './info.js';
import { notify } from './notify.js';
import { table } from './table.js';

function messageOf({ number, signal }: SignalInfo): string {
  const description = table.find((entry) => entry.number === number)?.description ?? signal;
  return `${description}${description.includes('signal') ? '' : ' signal'} received`;
}

/** Why an AbortSignal of `abortOn` was aborted. */
export class SignalError extends Error {
  override readonly name = 'SignalError';

  /** The signal, with its sender. */
  readonly info: SignalInfo;

  constructor(info: SignalInfo) {
    super(messageOf(info));
    this.info = info;
  }
}

/** What `abortOn` returns. */
export interface SignalAbort extends AbortSignal, Disposable {
  /** A SignalError once it is aborted. */
  readonly reason: SignalError | undefined;
  /** From here on the signals have the effect that they have without this. It is not aborted then. */
  stop(): void;
}

/**
 * An AbortSignal that the first of some signals aborts: for `spawn`, `fetch` and all that takes one.
 * Signals after the first have no effect either, until `stop` or the end of its `using` block. It
 * does not keep the event loop alive.
 *
 * @throws TypeError as `notify` does.
 */
export function abortOn(...signals: [Signal, ...Signal[]]): SignalAbort {
  const controller = new AbortController();
  const stream = notify(...signals);
  stream.on('signal', (info) => controller.abort(new SignalError(info)));
  const stop = (): void => stream.stop();
  return Object.assign(controller.signal, { stop, [Symbol.dispose]: stop }) as SignalAbort;
}
