/**
 * Pipes and socket pairs between this process and a child.
 *
 * @module
 */
import { LaunchError } from '../launch/error.js';
import type { StepName } from '../launch/order.js';
import type { StepInfo } from '../launch/program.js';
import { aboveStdio, attempt, close, setNonblocking } from '../syscall/call.js';
import { O, SOCK } from '../syscall/constants.js';

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

/** A pipe that the child reads or writes. */
export function openPipe(childReads: boolean, blame: Blame): PipeEnds {
  const pair = new Int32Array(2);
  check(attempt('pipe2', pair, O.O_CLOEXEC), { name: 'pipe2' }, blame);
  const [readEnd, writeEnd] = pair as unknown as [number, number];
  return childReads ? prepare(writeEnd, readEnd) : prepare(readEnd, writeEnd);
}

/** A stream socket for both directions. */
export function openSocketPair(blame: Blame): PipeEnds {
  const pair = new Int32Array(2);
  const type = SOCK.SOCK_STREAM | SOCK.SOCK_CLOEXEC;
  check(attempt('socketpair', SOCK.AF_UNIX, type, 0, pair), { name: 'socketpair' }, blame);
  const [one, other] = pair as unknown as [number, number];
  return prepare(one, other);
}

function check(result: number, step: StepInfo<StepName>, blame: Blame): void {
  if (result < 0) throw new LaunchError(step, -result, blame.file, blame.args);
}

/** The two ends have file descriptions of their own, so that only ours is changed. */
function prepare(ours: number, childs: number): PipeEnds {
  let child = childs;
  try {
    child = aboveStdio(childs);
  } catch (error) {
    close(ours);
    throw error;
  }
  try {
    const end = aboveStdio(ours);
    setNonblocking(end);
    return { ours: end, childs: child };
  } catch (error) {
    close(child);
    throw error;
  }
}
