/**
 * Errors for options and arguments that are refused before anything is started or called.
 *
 * @module
 */
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { findSignal, type Signal } from './signals.js';

/** One sentence; src/cli/flags.ts reads it, so that `expected` holds no `, not `. */
function describe(option: string, value: unknown, expected: string): string {
  const received = inspect(value, {
    depth: 0,
    breakLength: Infinity,
    maxArrayLength: 5,
    maxStringLength: 100,
  });
  return `${option} must be ${expected}, not ${received}.`;
}

/**
 * The directory of this library in the frame of a function in this file. In a bundle of a program, the
 * frames of this library cannot be told from those of the program.
 */
const OWN_PLACE =
  /((?:file:\/\/)?\/.*\/(?:dist(?=\/syscall\/check\.js:)|lib(?=\/(?:all|cli|register)\.cjs:))\/)/;

/** Lets the stack begin at the caller's line, which ten frames of this library would push out. */
function atCaller<T extends Error>(error: T): T {
  const { stackTraceLimit: limit } = Error;
  if (!(limit > 0)) return error;
  Error.stackTraceLimit = Infinity;
  Error.captureStackTrace(error);
  Error.stackTraceLimit = limit;
  const [head, ...frames] = String(error.stack).split(/\n(?= {4}at )/);
  const [, ours] = OWN_PLACE.exec(frames[0] ?? '') ?? [];
  if (ours === undefined) {
    error.stack = [head, ...frames.slice(0, limit)].join('\n');
    return error;
  }
  // Ours, and functions of the language that they call: `at Array.map (<anonymous>)`.
  const isOurs = (frame: string): boolean => {
    return /\((<anonymous>|native.*)\)$/.test(frame) || frame.includes(ours);
  };
  const caller = frames.findIndex((frame) => !isOurs(frame));
  // Without a caller, as in a bundle that has the place of this library, ours say more than none.
  const isKnown = caller >= 0 && !frames[caller]?.includes('node:');
  const shown = isKnown ? frames.slice(caller) : frames;
  error.stack = [head, ...shown.slice(0, limit)].join('\n');
  return error;
}

function withCode<T extends Error>(error: T, code = 'ERR_INVALID_ARG_VALUE'): T & { code: string } {
  return Object.assign(atCaller(error), { code });
}

/** A value of the wrong kind: `invalid('timeout', '5s', 'a number of milliseconds')`. */
export function invalid(option: string, value: unknown, expected: string): TypeError {
  return withCode(new TypeError(describe(option, value, expected)));
}

/** An option that cannot be used like this: `refused('detached', 'cannot be used with runSync')`. */
export function refused(option: string, problem: string): TypeError {
  return argumentError(`${option} ${problem}.`);
}

/** A refusal in other words. */
export function argumentError(message: string): TypeError {
  return withCode(new TypeError(message));
}

/** Refuses an argument behind the last one of a function: a callback there would never be called. */
export function checkSurplus(rest: readonly unknown[]): void {
  const surplus = rest.find((value) => value !== undefined);
  if (surplus !== undefined) throw invalid('the fourth argument', surplus, 'left out');
}

/** A number outside its range. */
export function outOfRange(option: string, value: unknown, expected: string): RangeError {
  return withCode(new RangeError(describe(option, value, expected)));
}

/** An option, function or system call that this system or backend does not have. */
export function unavailable(what: string): TypeError & { code: string } {
  const why = process.platform === 'linux' ? ' with the portable backend' : '';
  const error = new TypeError(`${what} is not available on this system${why}.`);
  return withCode(error, 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM');
}

/** A string for a system call, which would cut it off at the first NUL. */
export function checkString(option: string, value: unknown): asserts value is string {
  if (typeof value !== 'string') throw invalid(option, value, 'a string');
  if (value.includes('\0')) throw invalid(option, value, 'a string without null bytes');
}

/** A path that is given as a string or as a `file:` URL, also a URL of another realm. */
export function checkPath(option: string, value: unknown): string {
  const { href, protocol } = Object(value) as { href?: unknown; protocol?: unknown };
  const isFile = typeof href === 'string' && protocol === 'file:';
  const path = isFile ? fileURLToPath(href) : value;
  if (typeof path !== 'string') throw invalid(option, value, 'a path or a file: URL');
  checkString(option, path);
  return path;
}

export function checkInteger(option: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number') throw invalid(option, value, 'a number');
  if (!Number.isInteger(value) || value < least || value > most) {
    throw outOfRange(option, value, `an integer from ${least} to ${most}`);
  }
  return value;
}

export function checkBoolean(option: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw invalid(option, value, 'a boolean');
  return value;
}

/** The signal's number. */
export function checkSignal(option: string, value: Signal): number {
  const number = findSignal(value);
  if (number === undefined) throw invalid(option, value, "a signal, such as 'SIGTERM'");
  return number;
}

/** The signals' numbers. */
export function checkSignals(option: string, value: readonly Signal[]): number[] {
  if (!Array.isArray(value)) throw invalid(option, value, 'an array of signals');
  return value.map((signal: Signal, index) => checkSignal(`${option}[${index}]`, signal));
}

/** A C `int`: a pid, a descriptor. A missing argument must not pass for 0, which means this process. */
export function checkInt(name: string, value: number): number {
  return checkInteger(name, value, -(2 ** 31), 2 ** 31 - 1);
}

/** A C `unsigned int`: a user, a set of flags. */
export function checkUnsigned(name: string, value: number): number {
  return checkInteger(name, value, 0, 2 ** 32 - 1);
}
