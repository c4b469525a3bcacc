/**
 * From a launch program to a process.
 *
 * @module
 */
import { type CompiledLaunch, launchError } from '../launch/compile.js';
import { COMPLETION, completions, native } from '../native.js';
import { exitStatus, launchedProcess, type Process } from './process.js';

/** In a row: that the launch did not fail. */
const LAUNCHED = -1;
/** In a row: that clone failed, or what comes before it. */
const STEP_CLONE = -2;

/** What the native side reports of a launch that failed. */
interface Failure {
  readonly step: number;
  readonly errno: number;
}

/** Follows a process from its launch to its end. */
class Following {
  process: Process | undefined;
  failure: Failure | undefined;
  token = 0;
  /** Called once the launch is over. */
  settle: () => void = () => {};
  #parentPeak = 0;

  /** The handler of its completions. */
  readonly handle = (row: Float64Array, at: number): void => {
    if (row[at] === COMPLETION.exited) {
      completions.forget(this.token);
      this.process?.end(exitStatus(row, at, this.#parentPeak));
    } else {
      this.launched(row, at);
      this.settle();
    }
  };

  launched(row: Float64Array, at: number): void {
    if (row[at + 2] === LAUNCHED) {
      this.#parentPeak = row[at + 7] as number;
      this.process = launchedProcess(row, at);
    } else {
      this.fail(row[at + 2] as number, row[at + 3] as number);
    }
  }

  fail(step: number, errno: number): void {
    this.failure = { step, errno };
    completions.forget(this.token);
    completions.release();
  }
}

/**
 * Launches; `closeFds` are closed in this process once that is over. Resolves when execve succeeded.
 *
 * @throws LaunchError
 */
export async function launch(
  compiled: CompiledLaunch,
  closeFds: readonly number[] = [],
): Promise<Process> {
  const following = new Following();
  const { bytes } = compiled;
  following.token = completions.register(following.handle);
  completions.retain();
  const fds = closeFds.length === 0 ? undefined : Int32Array.from(closeFds);
  const errno = native.launch(bytes, bytes.length, following.token, fds);
  if (errno === 0) {
    await new Promise<void>((resolve) => {
      following.settle = resolve;
    });
  } else {
    following.fail(STEP_CLONE, errno);
  }
  return processOf(following, compiled);
}

/** As `launch`, but returns only then. */
export function launchSync(compiled: CompiledLaunch, closeFds: readonly number[] = []): Process {
  return processOf(launchNow(compiled, closeFds, true), compiled);
}

/** A process that nobody watches: whoever launched it reaps it and closes its pidfd. */
export interface Unwatched {
  readonly pid: number;
  readonly pidfd: number;
  /** What the kernel began with when it counted the process' memory, KiB. */
  readonly parentPeak: number;
  /** CLOCK_MONOTONIC at execve, microseconds. */
  readonly started: number;
}

/** As `launchSync`, for a caller that waits on this thread. */
export function launchUnwatched(
  compiled: CompiledLaunch,
  closeFds: readonly number[] = [],
): Unwatched {
  const following = launchNow(compiled, closeFds, false);
  if (following.failure !== undefined) processOf(following, compiled);
  completions.forget(following.token);
  completions.release();
  const [pid, pidfd, , parentPeak, started] = completions.mailbox.subarray(4, 9);
  return { pid, pidfd, parentPeak, started } as Unwatched;
}

function launchNow(
  compiled: CompiledLaunch,
  closeFds: readonly number[],
  watch: boolean,
): Following {
  const following = new Following();
  const { bytes } = compiled;
  following.token = completions.register(following.handle);
  completions.retain();
  const fds = closeFds.length === 0 ? undefined : Int32Array.from(closeFds);
  const errno = native.launchSync(bytes, bytes.length, following.token, fds, watch);
  if (errno !== 0) following.fail(STEP_CLONE, errno);
  else if (watch || completions.mailbox[2] !== LAUNCHED) following.launched(completions.mailbox, 0);
  return following;
}

function processOf(following: Following, compiled: CompiledLaunch): Process {
  const { failure, process } = following;
  // Made here, where the stack is that of whoever launched.
  if (failure !== undefined) throw launchError(compiled, failure.step, failure.errno);
  return process as Process;
}
