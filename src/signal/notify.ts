/**
 * Signals of this process, as they come.
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
 * The signals that come to this process, until `stop`. None given: all that can be caught, but for
 * those that are ignored by default. Several streams each get every signal, with what sigaction(2)
 * tells of it. Real-time signals keep their order; of others the kernel keeps one of each number.
 *
 * Meanwhile a signal has no other effect, but that listeners of `process.on`, and handlers of native
 * libraries, go on being called. A signal that was ignored is caught meanwhile, and ignored again
 * afterwards. One that all threads block waits.
 *
 * @throws TypeError for SIGKILL, SIGSTOP and signals of faults of the program.
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
