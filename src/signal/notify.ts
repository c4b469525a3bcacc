/**
 * Signals of this process as they arrive.
 *
 * @module
 */
import { checkSignal, invalid } from '../syscall/check.js';
import type { Signal } from '../syscall/signals.js';
import { type SignalStream, Stream } from './stream.js';
import { isCatchable, table } from './table.js';

export type { SignalInfo } from './info.js';
export type { SignalStream } from './stream.js';

/**
 * Returns a stream of the signals that arrive at this process, until `stop`. Without arguments it
 * has all signals that can be caught and are not ignored by default. Each of several streams gets
 * every signal, with the siginfo of sigaction(2). Real-time signals keep their order; of other
 * signals the kernel keeps one pending per number.
 *
 * While the stream runs, a signal has no other effect, except that listeners of `process.on` and
 * handlers of native libraries are still called. An ignored signal is caught while the stream runs,
 * and ignored again afterwards. A signal that all threads block stays pending.
 *
 * @throws TypeError for SIGKILL, SIGSTOP and signals of program faults such as SIGSEGV.
 * @see sigaction(2)
 */
export function notify(...signals: Signal[]): SignalStream {
  if (signals.length === 0) {
    return new Stream(table.filter(({ policy }) => policy === 'catch').map(({ number }) => number));
  }
  const numbers = signals.map((signal, index) => {
    const number = checkSignal(`signals[${index}]`, signal);
    if (isCatchable(number)) return number;
    throw invalid(`signals[${index}]`, signal, 'a signal that can be caught');
  });
  return new Stream([...new Set(numbers)]);
}
