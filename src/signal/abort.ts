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

/** The reason of an AbortSignal of `abortOn` that was aborted. */
export class SignalError extends Error {
  override readonly name = 'SignalError';

  /** The signal that arrived, with its sender. */
  readonly info: SignalInfo;

  constructor(info: SignalInfo) {
    super(messageOf(info));
    this.info = info;
  }
}

/** The result of `abortOn`. */
export interface SignalAbort extends AbortSignal, Disposable {
  /** A SignalError once the AbortSignal is aborted. */
  readonly reason: SignalError | undefined;
  /** Gives the signals back the effect that they had before `abortOn`, without an abort. */
  stop(): void;
}

/**
 * Returns an AbortSignal, for `spawn`, `fetch` and other functions, that the first of the given
 * signals aborts. Until `stop` or the end of its `using` block later signals have no effect on the
 * process either. It does not keep the event loop alive.
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
