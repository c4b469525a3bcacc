/**
 * The stop ladder: one signal after another, each with its time, until the process has ended.
 *
 * @module
 */
import { checkSignal, invalid, outOfRange } from '../launch/check.js';
import type { Signal } from '../syscall/signals.js';
import type { StopOptions } from './options.js';

const DEFAULT_GRACE = 5000;

/** What setTimeout can wait at once; more it would take for 1 ms. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Milliseconds, checked; Infinity is for ever. */
export function checkDelay(option: string, value: unknown): number {
  if (typeof value !== 'number') throw invalid(option, value, 'a number of milliseconds');
  if (!(value >= 0)) throw outOfRange(option, value, 'at least 0 milliseconds');
  return value;
}

/** A timer that may be longer than setTimeout's; returns what cancels it. */
export function after(delay: number, callback: () => void, keepAlive = true): () => void {
  if (delay === Number.POSITIVE_INFINITY) return () => {};
  let timer: NodeJS.Timeout;
  const start = (left: number): void => {
    const part = Math.min(left, LONGEST_TIMER);
    timer = setTimeout(() => (left > part ? start(left - part) : callback()), part);
    if (!keepAlive) timer.unref();
  };
  start(delay);
  return () => clearTimeout(timer);
}

/** One rung: what is sent, and how long it is given. */
export interface StopStep {
  readonly signals: readonly Signal[];
  /** Milliseconds. */
  readonly grace: number;
}

/** The rungs that the options describe. SIGCONT goes with each: a stopped process can't end. */
export function stopSteps(options: StopOptions = {}): StopStep[] {
  const { scope } = options;
  if (scope !== undefined && scope !== 'process') throw invalid('stop.scope', scope, "'process'");
  const asked = options.steps ?? [
    [options.signal ?? 'SIGTERM', options.grace ?? DEFAULT_GRACE],
    ['SIGKILL'],
  ];
  return asked.map(([signal, grace], index) => {
    const option = options.steps === undefined ? 'stop' : `stop.steps[${index}]`;
    checkSignal(`${option}.signal`, signal);
    return {
      signals: [signal, 'SIGCONT'],
      grace: checkDelay(`${option}.grace`, grace ?? Number.POSITIVE_INFINITY),
    };
  });
}

/**
 * Climbs the ladder until `ended` settles.
 *
 * @param send sends a signal; false once the process has ended
 */
export async function climb(
  steps: readonly StopStep[],
  send: (signal: Signal) => boolean,
  ended: Promise<unknown>,
): Promise<void> {
  for (const { signals, grace } of steps) {
    for (const signal of signals) if (!send(signal)) return;
    let cancel = (): void => {};
    const waited = new Promise<boolean>((resolve) => {
      cancel = after(grace, () => resolve(false));
    });
    const over = await Promise.race([ended.then(() => true), waited]);
    cancel();
    if (over) return;
  }
}
