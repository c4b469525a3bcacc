/**
 * Signals beside `process.on`: runtimes replace handlers without regard to earlier ones.
 *
 * `forkexec node` loads this module before every program, so it does not import the tables of
 * constants.
 *
 * @module
 */
import { constants } from 'node:os';
import { native } from '../native.js';
import { ACTION, BELOW } from '../protocol.js';
import { emitsRemovals, keepsHandlers } from '../runtime.js';
import { isMainThread } from '../thread.js';
import { now, queueMicrotask } from '../time.js';

const { SIGCHLD, SIGHUP, SIGINT, SIGTERM } = constants.signals;

type Listener = (...values: never[]) => void;

/**
 * Bun removes its handler with the last listener, without an event. Deno's handler stays for good,
 * and ends the process if no listener is left. A listener of this library keeps both from doing so.
 */
const needsGuard = keepsHandlers || !emitsRemovals();

/** Signals that Deno handles from the first listener, Worker or child on, of whatever signal. */
const DENO_EXITS = [SIGHUP, SIGINT, SIGTERM];

/** How late Deno's own thread may handle a signal that has arrived here already. */
const DENO_LATE_MS = 100;

/** The signals that this thread watches, and those that have a listener of this library. */
const watchedHere = new Set<number>();
const guarded = new Set<number>();

/** When the last signal arrived that has such a listener. */
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

/** Adds or removes a listener of this library. The runtime treats it like any other. */
function guard(number: number, on: boolean): void {
  if (guarded.has(number) === on) return;
  const name = nameOf(number);
  if (name === undefined) return;
  // Before the listener changes: the handler of 'newListener' looks at the set.
  guarded[on ? 'add' : 'delete'](number);
  if (!on) came.delete(number);
  try {
    process[on ? 'on' : 'off'](name, guardian);
  } catch {
    guarded.delete(number); // the runtime takes no listener for this signal
  }
}

/** The number of listeners that are not this library's. */
function listenersOf(number: number, event: string | symbol): number {
  return process.listenerCount(event) - (needsGuard && guarded.has(number) ? 1 : 0);
}

/** Whether the program has a listener of `process.on` for a signal; those of this library do not count. */
export function isHeard(number: number): boolean {
  return process.listenerCount(nameOf(number) ?? '') > (guarded.has(number) ? 1 : 0);
}

/**
 * libuv installs its handler with the first listener of `process` for a signal, and sets the
 * default action with the removal of the last one, even if the signal was ignored before. Node has
 * done so before it emits the event; other runtimes do it right afterwards.
 */
function listenersChanged(event: string | symbol, listener: Listener, isAdded: boolean): void {
  const number = numberOf(event);
  if (number === 0) return;
  // The library's own listener is removed too when other code removes all.
  const isMissing = isAdded
    ? listener !== guardian
    : listener === guardian && guarded.delete(number);
  if (keepsHandlers && isMissing && watchedHere.has(number)) guard(number, true);
  const others = listenersOf(number, event);
  const kept = needsGuard && listener !== guardian && others === 0;
  if (keepsHandlers) {
    // Deno's handler is set once, and calls the library's.
    if (!kept) return;
    // A stream of another thread has no listener in that thread to prevent the default action.
    if (!watchedHere.has(number)) native.setBelow(number, isAdded ? BELOW.hears : BELOW.isMute);
  }
  // Node has told libuv of an added listener before the event.
  native.renewSignal(number, others > 0 || (needsGuard && isAdded), kept);
  if (keepsHandlers) return;
  queueMicrotask(() => native.renewSignal(number, listenersOf(number, event) > 0, false));
}

// From the start and not with the first stream: this thread also replaces handlers of a Worker's
// stream.
if (isMainThread || keepsHandlers) {
  process.on('newListener', (event, listener) => listenersChanged(event, listener, true));
  process.on('removeListener', (event, listener) => listenersChanged(event, listener, false));
}

function willBeIgnored(action: number): boolean {
  const { ignored, ignoredHere, oursAboveIgnored } = ACTION;
  return action === ignored || action === ignoredHere || action === oursAboveIgnored;
}

/** Whether a watched signal needs a listener of this library. */
function wantsGuard(number: number): boolean {
  if (!keepsHandlers && !isMainThread) return false;
  if (!needsGuard) return number === SIGCHLD;
  const action = native.signalAction(number);
  // Otherwise the runtime's handler would be put back in the end, instead of the ignored state.
  if (willBeIgnored(action)) return false;
  if (keepsHandlers) {
    return DENO_EXITS.some((exit) => number === exit || native.sharesHandler(number, exit));
  }
  // Not where a handler was installed for other purposes than listeners.
  return action !== ACTION.otherHandler || process.listenerCount(nameOf(number) ?? '') > 0;
}

/**
 * Is called before the first stream of this thread for a signal, and after the last one.
 *
 * libuv installs and removes its own handler of SIGCHLD with the children of node:child_process,
 * without an event. It leaves the handler alone while a listener needs it.
 */
export function keepFromRuntime(number: number, on: boolean): void {
  if (on) {
    watchedHere.add(number);
    if (wantsGuard(number)) guard(number, true);
    return;
  }
  watchedHere.delete(number);
  // Bun sets the default action with the removal, which an ignored signal must never have.
  if (needsGuard && native.signalAction(number) === ACTION.ignoredHere) return;
  guard(number, false);
  if (!needsGuard) return;
  // The default of Bun may have replaced the handler of a Worker's stream.
  const listening = listenersOf(number, nameOf(number) ?? '') > 0;
  native.renewSignal(number, listening, keepsHandlers && !listening);
}

/** Notes that a signal has arrived here, while it is still on its way through the runtime. */
export function noteArrival(number: number): void {
  if (keepsHandlers && guarded.has(number)) came.set(number, now());
}

/**
 * Is called before the last stream for a signal ends. If the only listener is this library's, the
 * runtime gets no more signals, because the listener would hide their effect. Returns for how many
 * milliseconds the listener has to stay because of signals that the runtime got before.
 */
export function silence(number: number): number {
  if (!needsGuard || !guarded.has(number)) return 0;
  if (listenersOf(number, nameOf(number) ?? '') > 0) return 0;
  native.setBelow(number, keepsHandlers ? BELOW.lastMutes : BELOW.isForgotten);
  if (!keepsHandlers) return 0;
  native.flushSignals();
  const late = (came.get(number) ?? Number.NEGATIVE_INFINITY) + DENO_LATE_MS - now();
  if (late <= 0) guard(number, false);
  return Math.max(0, late);
}

/** Undoes `silence`, for a new stream. */
export function unsilence(number: number): void {
  native.setBelow(number, BELOW.hears);
}
