/**
 * The API of node-pty, on terminals of this library.
 *
 * @module
 */
import { invalid } from '../syscall/check.js';
import type { IPtyForkOptions } from './options.js';
import { Pty } from './pty.js';

export type { IPtyForkOptions } from './options.js';
export type { IDisposable, IEvent, IExitEvent } from './pty.js';
/** A program on a terminal. */
export type IPty = Pty;

/**
 * Starts a program on a terminal of its own, and returns once it runs: the event loop is blocked
 * until then.
 *
 * @throws LaunchError with its step when the program, its directory or its user is not to be had.
 */
export function spawn(
  file = 'sh',
  args: readonly string[] = [],
  options: IPtyForkOptions = {},
): Pty {
  if (!Array.isArray(args)) throw invalid('args', args, 'an array of strings');
  return new Pty(file, args, options);
}

/** @deprecated `spawn` under another name. */
export const fork: typeof spawn = spawn;

/** @deprecated `spawn` under another name. */
export const createTerminal: typeof spawn = spawn;

/** Opens a terminal without a program. */
export function open(options: Pick<IPtyForkOptions, 'cols' | 'rows' | 'encoding'> = {}): Pty {
  return new Pty(undefined, [], options);
}
