/**
 * Signals beside `process.on`: libuv replaces handlers without a look at what was there.
 *
 * `forkexec node` loads this before every program, so it comes without the tables of constants.
 *
 * @module
 */
import { constants } from 'node:os';
import { native } from '../native.js';

/** Signals that somebody on this thread is subscribed to. */
const caught = new Set<number>();

/** Signals that are ignored whenever nobody catches them. */
const ignored = new Set<number>();

/** The number of a signal that listeners of `process` can be for. */
function numberOf(event: string | symbol): number {
  return (constants.signals as Readonly<Record<string | symbol, number>>)[event] ?? 0;
}

/** Puts our handler on top again, with the one that took its place below. */
function renew(number: number): void {
  if (caught.has(number)) native.rewatchSignal(number);
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
    const isFree = ignored.has(number) && process.listenerCount(event) === 0;
    if (isFree) native.setSignalAction(number, true);
  };
  settle();
  queueMicrotask(settle);
}

let watching = false;

function watchListeners(): void {
  const wanted = caught.size > 0 || ignored.size > 0;
  if (wanted === watching) return;
  watching = wanted;
  const change = wanted ? 'on' : 'off';
  process[change]('newListener', listenerAdded);
  process[change]('removeListener', listenerRemoved);
}

/** From here on our handler stays on top, or does not matter. */
export function setCaught(number: number, on: boolean): void {
  caught[on ? 'add' : 'delete'](number);
  watchListeners();
}

/** Ignores a signal, or goes back to what was done on it before. Returns 0 or an errno. */
export function setIgnored(number: number, on: boolean): number {
  const error = native.setSignalAction(number, on);
  if (error > 0) return error;
  ignored[on ? 'add' : 'delete'](number);
  watchListeners();
  return 0;
}
