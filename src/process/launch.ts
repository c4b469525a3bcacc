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

/**
 * As `launch`, but returns only then. With `watch` false nobody reaps the process: that is the
 * caller's duty, as is closing the pidfd.
 */
export function launchSync(
  compiled: CompiledLaunch,
  closeFds: readonly number[] = [],
  watch = true,
): Process {
  const following = new Following();
  const { bytes } = compiled;
  following.token = completions.register(following.handle);
  completions.retain();
  const fds = closeFds.length === 0 ? undefined : Int32Array.from(closeFds);
  const errno = native.launchSync(bytes, bytes.length, following.token, fds, watch);
  if (errno === 0) following.launched(completions.mailbox, 0);
  else following.fail(STEP_CLONE, errno);
  if (!watch && following.failure === undefined) completions.forget(following.token);
  return processOf(following, compiled);
}

function processOf(following: Following, compiled: CompiledLaunch): Process {
  const { failure, process } = following;
  // Made here, where the stack is that of whoever launched.
  if (failure !== undefined) throw launchError(compiled, failure.step, failure.errno);
  return process as Process;
}
