/**
 * Pipes and socket pairs between this process and a child.
 *
 * @module
 */
import { LaunchError } from '../launch/error.js';
import type { StepName } from '../launch/order.js';
import type { StepInfo } from '../launch/program.js';
import { attemptPair, call, close, pairAboveStdio } from '../syscall/call.js';
import { F, O, SOCK } from '../syscall/constants.js';
import type { SystemError } from '../syscall/errors.js';

/** Both ends, close-on-exec; ours does not block, the child's does. */
export interface PipeEnds {
  readonly ours: number;
  readonly childs: number;
}

/** What a failure is blamed on. */
export interface Blame {
  readonly file: string;
  readonly args: readonly string[];
}

/** A pipe with both ends blocking and close-on-exec. */
export function openPair(blame: Blame): [read: number, write: number] {
  const pair = new Int32Array(2);
  const result = attemptPair('pipe2', 0, pair, O.O_CLOEXEC);
  return moved({ name: 'pipe2' }, result, pair, blame);
}

/** A pipe that the child reads or writes. */
export function openPipe(childReads: boolean, blame: Blame): PipeEnds {
  const [readEnd, writeEnd] = openPair(blame);
  return childReads ? prepare(writeEnd, readEnd) : prepare(readEnd, writeEnd);
}

/** A stream socket for both directions. */
export function openSocketPair(blame: Blame): PipeEnds {
  const pair = new Int32Array(2);
  const type = SOCK.SOCK_STREAM | SOCK.SOCK_CLOEXEC;
  const result = attemptPair('socketpair', 3, SOCK.AF_UNIX, type, 0, pair);
  return prepare(...moved({ name: 'socketpair' }, result, pair, blame));
}

/** Not among stdio, where a child that inherits it would find it. */
function moved(
  step: StepInfo<StepName>,
  result: number,
  pair: Int32Array,
  { file, args }: Blame,
): [number, number] {
  if (result < 0) throw new LaunchError(step, -result, file, args);
  try {
    return pairAboveStdio(pair[0] as number, pair[1] as number);
  } catch (error) {
    throw new LaunchError(step, (error as SystemError).errno, file, args);
  }
}

/** The two ends have file descriptions of their own, so that only ours is changed. */
function prepare(ours: number, childs: number): PipeEnds {
  try {
    call('fcntl', ours, F.F_SETFL, O.O_NONBLOCK); // it has no other flags yet
    return { ours, childs };
  } catch (error) {
    close(ours);
    close(childs);
    throw error;
  }
}
