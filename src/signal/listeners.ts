/**
 * Signals beside `process.on`: runtimes replace handlers without a look at what was there.
 *
 * `forkexec node` loads this before every program, so it comes without the tables of constants.
 *
 * @module
 */
import { constants } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { native } from '../native.js';
import { ACTION, BELOW } from '../protocol.js';
import { now, queueMicrotask } from '../time.js';

const { SIGCHLD, SIGHUP, SIGINT, SIGTERM } = constants.signals;

type Listener = (...values: never[]) => void;

const isDeno = process.versions['deno'] !== undefined;

/** Whether `process` says when a listener goes: Bun's does not. */
function saysWhoGoes(): boolean {
  let said = false;
  const hear = (): void => {
    said = true;
  };
  process.on('removeListener', hear);
  process.on('forkexec', hear).off('forkexec', hear);
  process.off('removeListener', hear);
  return said;
}

/**
 * Bun takes its handler away with the last listener and tells nobody. Deno's stays for good, and
 * ends the process where it knows of no listener. Both are kept from it by a listener of ours.
 */
const needsGuard = isDeno || !saysWhoGoes();

/** Signals that Deno handles from the first listener, Worker or child on, whatever that is for. */
const DENO_EXITS = [SIGHUP, SIGINT, SIGTERM];

/** How late Deno's own thread may be with a signal that we have had already. */
const DENO_LATE_MS = 100;

/** The signals that this thread gets, and those that a listener of ours is there for. */
const watchedHere = new Set<number>();
const guarded = new Set<number>();

/** When the last one came that such a listener is there for. */
const came = new Map<number, number>();

function guardian(): void {}

/** The number of a signal that listeners of `process` can be for. */
function numberOf(event: string | symbol): number {
  return (constants.signals as Readonly<Record<string | symbol, number>>)[event] ?? 0;
}

function nameOf(number: number): NodeJS.Signals | undefined {
  const found = Object.entries(constants.signals).find((entry) => entry[1] === number);
  return found?.[0] as NodeJS.Signals | undefined;
}

/** Adds or removes a listener of ours. The runtime does the same as for those of others. */
function guard(number: number, on: boolean): void {
  if (guarded.has(number) === on) return;
  const name = nameOf(number);
  if (name === undefined) return;
  // Before it is so: who is told of listeners looks here.
  guarded[on ? 'add' : 'delete'](number);
  if (!on) came.delete(number);
  try {
    process[on ? 'on' : 'off'](name, guardian);
  } catch {
    guarded.delete(number); // one that the runtime handles for nobody
  }
}

/** How many listeners of others there are. */
function listenersOf(number: number, event: string | symbol): number {
  return process.listenerCount(event) - (needsGuard && guarded.has(number) ? 1 : 0);
}

/**
 * libuv installs its handler when the first listener of `process` for a signal comes, and sets the
 * default when the last one goes, also where the signal was ignored before. Node has done that
 * before it tells us; others do it right afterwards.
 */
function listenersChanged(event: string | symbol, listener: Listener, isAdded: boolean): void {
  const number = numberOf(event);
  if (number === 0) return;
  // Ours goes without being told to where somebody removes all.
  const isMissing = isAdded
    ? listener !== guardian
    : listener === guardian && guarded.delete(number);
  if (isDeno && isMissing && watchedHere.has(number)) guard(number, true);
  const others = listenersOf(number, event);
  const kept = needsGuard && listener !== guardian && others === 0;
  if (isDeno) {
    // Its handler is set once, and calls ours.
    if (!kept) return;
    // A stream of another thread has no listener there that would keep it from the default action.
    if (!watchedHere.has(number)) native.setBelow(number, isAdded ? BELOW.hears : BELOW.isMute);
  }
  // Of one that is added Node has told the runtime before.
  native.renewSignal(number, others > 0 || (needsGuard && isAdded), kept);
  if (isDeno) return;
  queueMicrotask(() => native.renewSignal(number, listenersOf(number, event) > 0, false));
}

// From the start and not with the first stream: one of a Worker is replaced from here as well.
if (isMainThread || isDeno) {
  process.on('newListener', (event, listener) => listenersChanged(event, listener, true));
  process.on('removeListener', (event, listener) => listenersChanged(event, listener, false));
}

function willBeIgnored(action: number): boolean {
  const { ignored, ignoredHere, oursAboveIgnored } = ACTION;
  return action === ignored || action === ignoredHere || action === oursAboveIgnored;
}

/** Whether a listener of ours has to be there while a signal is watched. */
function wantsGuard(number: number): boolean {
  if (!isDeno && !isMainThread) return false;
  if (!needsGuard) return number === SIGCHLD;
  const action = native.signalAction(number);
  // On top of it the runtime's handler would be what is put back in the end.
  if (willBeIgnored(action)) return false;
  if (isDeno) {
    return DENO_EXITS.some((exit) => number === exit || native.sharesHandler(number, exit));
  }
  // Not in the place of a handler that is there for others than listeners.
  return action !== ACTION.otherHandler || process.listenerCount(nameOf(number) ?? '') > 0;
}

/**
 * To be called before the first stream of this thread for a signal, and after the last.
 *
 * libuv's own use of SIGCHLD comes and goes with the children of node:child_process, and nobody
 * tells. It leaves the handler alone as long as it has another use for the signal.
 */
export function keepFromRuntime(number: number, on: boolean): void {
  if (on) {
    watchedHere.add(number);
    if (wantsGuard(number)) guard(number, true);
    return;
  }
  watchedHere.delete(number);
  // Bun sets the default when it goes: at no moment is that to be so of what is ignored.
  if (needsGuard && native.signalAction(number) === ACTION.ignoredHere) return;
  guard(number, false);
  if (!needsGuard) return;
  // The default of Bun may have replaced the handler of a Worker's stream.
  const listening = listenersOf(number, nameOf(number) ?? '') > 0;
  native.renewSignal(number, listening, isDeno && !listening);
}

/** A signal is here, and on its way through the runtime as well. */
export function noteArrival(number: number): void {
  if (isDeno && guarded.has(number)) came.set(number, now());
}

/**
 * To be called before the last stream for a signal ends. The runtime gets none from here on, where
 * the listener is ours alone, which would hide that it has no effect. Returns for how many
 * milliseconds that listener has to stay for the sake of what the runtime has got before.
 */
export function silence(number: number): number {
  if (!needsGuard || !guarded.has(number)) return 0;
  if (listenersOf(number, nameOf(number) ?? '') > 0) return 0;
  native.setBelow(number, isDeno ? BELOW.lastMutes : BELOW.isForgotten);
  if (!isDeno) return 0;
  native.flushSignals();
  const late = (came.get(number) ?? Number.NEGATIVE_INFINITY) + DENO_LATE_MS - now();
  if (late <= 0) guard(number, false);
  return Math.max(0, late);
}

/** Undoes it, for a new stream. */
export function unsilence(number: number): void {
  native.setBelow(number, BELOW.hears);
}
