/**
 * Arguments of the typed calls: what is no number is refused, and what no system has is the
 * kernel's to refuse.
 *
 * @module
 */
import { checkInteger } from '../launch/check.js';

/** A C `int`: a pid, a descriptor. What isn't given must not pass for 0, "this process". */
export function checkInt(name: string, value: number): number {
  return checkInteger(name, value, -(2 ** 31), 2 ** 31 - 1);
}

/** A C `unsigned int`: a user, a set of flags. */
export function checkUnsigned(name: string, value: number): number {
  return checkInteger(name, value, 0, 2 ** 32 - 1);
}
