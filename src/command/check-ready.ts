/**
 * The option `ready`, checked.
 *
 * @module
 */
import { checkKeys } from '../launch/values.js';
import { checkInteger, invalid, refused } from '../syscall/check.js';
import type { SpawnOptions } from './options.js';
import { checkDelay } from './stop.js';

/** Refuses what `ready` can't be, and gives its descriptor a pipe. */
export function checkReady(options: SpawnOptions): SpawnOptions {
  const { ready } = options;
  if (ready === undefined) return options;
  checkKeys('ready', ready, ['line', 'fd', 'timeout']);
  const { line, fd, timeout } = ready;
  if ((line === undefined) === (fd === undefined)) {
    throw invalid('ready', ready, 'an object with either line or fd');
  }
  if (line !== undefined && typeof line !== 'string' && !(line instanceof RegExp)) {
    throw invalid('ready.line', line, 'a string or a RegExp');
  }
  if (timeout !== undefined) checkDelay('ready.timeout', timeout);
  if (line !== undefined) {
    if (options.stdout === 'pipe' || options.stderr === 'pipe') return options;
    throw refused('ready.line', "requires stdout or stderr to be 'pipe'");
  }
  checkInteger('ready.fd', fd as number, 3, 2 ** 20);
  const given = options.fds?.[fd as number];
  if (given !== undefined && given !== 'pipe') {
    throw refused('ready.fd', `requires fds[${fd}] to be 'pipe'`);
  }
  return { ...options, fds: { ...options.fds, [fd as number]: 'pipe' } };
}
