/**
 * Room for listeners: emitters warn of many, and those of several commands are no leak.
 *
 * @module
 */
import { getMaxListeners, setMaxListeners } from 'node:events';

/** Lets so many more listeners be added without a warning; fewer again with a negative count. */
export function makeRoom(emitter: NodeJS.EventEmitter | EventTarget, count: number): void {
  const isKnown = 'getMaxListeners' in emitter || emitter instanceof EventTarget;
  const most = isKnown ? getMaxListeners(emitter) : 0;
  if (most > 0) setMaxListeners(most + count, emitter);
}
