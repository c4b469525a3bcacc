/**
 * The stop ladder: one signal after another, each with its time, until the process has ended.
 * `life.ts` climbs it.
 *
 * @module
 */
import { takeOptions } from '../launch/values.js';
import { checkScope } from '../process/scope.js';
import { checkSignal, invalid, outOfRange } from '../syscall/check.js';
import { SIG } from '../syscall/constants.js';
import { findSignal, type Signal } from '../syscall/signals.js';
import { clearTimeout, setTimeout } from '../time.js';
import type { StopOptions } from './options.js';

const DEFAULT_GRACE = 5000;

/** Milliseconds for a killed process to be gone; one that may not be killed is not waited for. */
const AFTER_KILL = 1000;

/** What setTimeout can wait at once; more it would take for 1 ms. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Milliseconds, checked; Infinity is for ever. */
export function checkDelay(option: string, value: unknown): number {
  if (typeof value !== 'number') throw invalid(option, value, 'a number of milliseconds');
  if (!(value >= 0)) throw outOfRange(option, value, 'at least 0 milliseconds');
  return value;
}

/** Milliseconds that a command has; 0 is no limit, as node:child_process and timeout(1) have it. */
export function timeLimit({ timeout = 0 }: { timeout?: number | undefined }): number {
  return timeout === 0 ? Number.POSITIVE_INFINITY : timeout;
}

/** A timer that may be longer than setTimeout's; returns what cancels it. */
export function after(delay: number, callback: () => void, keepAlive: boolean): () => void {
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
  /** Milliseconds that others of the scope are given, once the process itself has ended. */
  readonly patience: number;
}

/** The rungs that the options describe. SIGCONT goes with each: a stopped process can't end. */
export function stopSteps(given: StopOptions = {}): StopStep[] {
  if (typeof given === 'string') {
    throw invalid('stop', given, "an object, such as { signal: 'SIGKILL' }");
  }
  const options = takeOptions('stop', given, ['signal', 'grace', 'scope', 'steps']);
  checkScope('stop.scope', options.scope);
  const { steps } = options;
  const isList = Array.isArray(steps) && steps.length > 0 && steps.every(Array.isArray);
  if (steps !== undefined && !isList) {
    throw invalid('stop.steps', steps, 'an array of [signal, grace]');
  }
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
      patience: findSignal(signal) === SIG.SIGKILL ? AFTER_KILL : Number.POSITIVE_INFINITY,
    };
  });
}
