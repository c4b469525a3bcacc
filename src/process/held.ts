/**
 * Children that keep their number until they are released.
 *
 * @module
 */
import { type CompiledLaunch, launchError, stepOf } from '../launch/compile.js';
import type { LaunchError } from '../launch/error.js';
import type { StepName } from '../launch/order.js';
import { native } from '../native.js';
import { isTraced, launchNow } from './launch.js';
import type { How, Unwatched } from './launching.js';
import type { Process } from './process.js';
import type { ExitStatus } from './status.js';
import { holdTraceeSync } from './tracee.js';

/** A child that keeps its number until it is released. */
export interface Held {
  readonly process: Process;
  /** Sends a signal, or 0: 0 or an errno. A child that has ended takes it until it is released. */
  signal(number: number): number;
  /** Lets it be reaped: at once if it has ended, else at its end, of which nothing is told then. */
  release(): void;
}

/** What a launch failed at. */
export interface Failed {
  readonly step: StepName;
  /** What the step was applied to. */
  readonly argument: string | undefined;
  /** Positive. */
  readonly errno: number;
  /** The whole error, for which files are looked at. */
  error(): LaunchError;
}

function failedOf(
  compiled: CompiledLaunch,
  failure: readonly [step: number, errno: number],
): Failed {
  const { name, argument } = stepOf(compiled, failure[0]);
  const error = (): LaunchError => launchError(compiled, ...failure);
  return { step: name, argument, errno: failure[1], error };
}

/** Launches on this thread; the caller awaits the process and reaps it. */
export function startUnwatched(compiled: CompiledLaunch): Unwatched | Failed {
  const launching = launchNow(compiled, { sync: true, watch: false, own: true });
  const { failure } = launching;
  return failure === undefined ? (launching.result() as Unwatched) : failedOf(compiled, failure);
}

/**
 * Launches on this thread. Once the process has ended `ended` is called, and it is not reaped before
 * `release`: code that looks at its number meanwhile finds it, and no other process that was given the
 * number.
 */
export function startHeld(
  compiled: CompiledLaunch,
  ended: (status: ExitStatus) => void,
): Held | Failed {
  let tell = ended;
  const how: How<true, true> = {
    sync: true,
    watch: true,
    ended: (status) => tell(status),
  };
  const launching = launchNow(compiled, how);
  const { token, failure } = launching;
  if (failure !== undefined) return failedOf(compiled, failure);
  const process = launching.result() as Process;
  if (isTraced(compiled, how)) holdTraceeSync(process.pid);
  return {
    process,
    signal: (number) => native.signalChild(token, number, false),
    release() {
      tell = () => {};
      native.unpinChild(token);
    },
  };
}
