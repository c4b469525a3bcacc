/**
 * The clock and the timers of the runtime, as they were when this library was loaded.
 *
 * Test frameworks replace the globals, and the members of `node:timers` too, with ones that stand
 * still. A process is real, and so is its time: output, time limits and stops must not wait for a
 * test that turns the clock. Biome refuses the globals everywhere else in src/.
 *
 * @module
 */
import timers from 'node:timers';
import { hasHrtime } from './runtime.js';

// The default export: named imports of a built-in module change with its members.
// process.hrtime, since the global `performance` makes Node load node:perf_hooks: 2 ms.
const { hrtime } = process;

export const setTimeout: typeof timers.setTimeout = timers.setTimeout;
export const clearTimeout: typeof timers.clearTimeout = timers.clearTimeout;
export const setImmediate: typeof timers.setImmediate = timers.setImmediate;
export const clearImmediate: typeof timers.clearImmediate = timers.clearImmediate;
export const queueMicrotask: typeof globalThis.queueMicrotask = globalThis.queueMicrotask;

function ofHrtime(): number {
  const [seconds, nanoseconds] = hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}

/** Milliseconds, with fractions, by a clock that cannot be set. */
export const now: () => number = hasHrtime ? ofHrtime : performance.now.bind(performance);

/** What to add to `now()` for milliseconds since 1970. */
export const timeOrigin: number = Date.now() - now();
