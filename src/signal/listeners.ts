/**
 * Signals beside `process.on`: libuv replaces handlers without a look at what was there.
 *
 * `forkexec node` loads this before every program, so it comes without the tables of constants.
 *
 * @module
 */
import { constants } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { native } from '../native.js';

/** The number of a signal that listeners of `process` can be for. */
function numberOf(event: string | symbol): number {
  return (constants.signals as Readonly<Record<string | symbol, number>>)[event] ?? 0;
}

/**
 * libuv installs its handler when the first listener of `process` for a signal comes, and sets the
 * default when the last one goes, also where the signal was ignored before. Node has done that
 * before it tells us; others do it right afterwards.
 */
function listenersChanged(event: string | symbol): void {
  const number = numberOf(event);
  if (number === 0) return;
  const renew = (): void => {
    native.renewSignal(number, process.listenerCount(event) > 0);
  };
  renew();
  queueMicrotask(renew);
}

// From the start and not with the first stream: one of a Worker is replaced from here as well.
if (isMainThread) {
  process.on('newListener', listenersChanged);
  process.on('removeListener', listenersChanged);
}

const { SIGCHLD } = constants.signals;

const isDeno = process.versions['deno'] !== undefined;

function noListener(): void {}

/** Deno's handlers stay for good, and end the process where they know of no listener. */
function keepFromDeno(number: number, on: boolean): void {
  const names = Object.entries(constants.signals);
  const name = names.find((entry) => entry[1] === number)?.[0] as NodeJS.Signals | undefined;
  try {
    if (name !== undefined) process[on ? 'on' : 'off'](name, noListener);
  } catch {
    // one that it handles for nobody
  }
}

/**
 * libuv's own use of SIGCHLD comes and goes with the children of node:child_process, and nobody
 * tells. It leaves the handler alone as long as it has another use for the signal.
 */
export function keepFromRuntime(number: number, on: boolean): void {
  if (isDeno) keepFromDeno(number, on);
  else if (number === SIGCHLD && isMainThread) process[on ? 'on' : 'off']('SIGCHLD', noListener);
}
