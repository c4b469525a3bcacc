/**
 * From a launch program to a process.
 *
 * @module
 */
import {
  type CompiledLaunch,
  launchError,
  type SkippedStep,
  skippedSteps,
} from '../launch/compile.js';
import { completions, native } from '../native.js';
import { COMPLETION, EXITED, LAUNCHED, ROW, START } from '../protocol.js';
import { Handle } from './handle.js';
import { Loan } from './loan.js';
import { Process } from './process.js';
import { ExitStatus, ownMaxRss, unknownUsage } from './status.js';
import { holdTracee, holdTraceeSync } from './tracee.js';

/** What the native side reports of a launch that failed. */
interface Failure {
  readonly step: number;
  readonly errno: number;
}

/** A process that nobody watches: whoever launched it reaps it and closes its pidfd. */
export interface Unwatched {
  readonly handle: Handle;
  /** What the kernel began with when it counted the process' memory, KiB. */
  readonly parentPeak: number;
  /** CLOCK_MONOTONIC at execve, microseconds. */
  readonly started: number;
  /** The terminal that it has as a foreground process. */
  readonly loan?: Loan | undefined;
  /** The directory of the control group that it was started in. */
  readonly cgroup?: string | undefined;
  /** The steps that failed and were left out. */
  readonly skipped?: readonly SkippedStep[];
}

/** A process that the native side just launched, from its row. */
function launchedProcess(row: Float64Array, at: number): Process {
  const value = (column: number): number => row[at + column] as number;
  const owner = { token: value(ROW.token) };
  const handle = new Handle(value(LAUNCHED.pid), value(LAUNCHED.pidfd), owner);
  return new Process(handle, value(LAUNCHED.inode));
}

/** How a process ended, from its row; `parentPeak` is from the row of its launch. */
function exitStatus(row: Float64Array, at: number, parentPeak: number): ExitStatus {
  const value = (column: number): number => row[at + column] as number;
  const [code, status] = [value(EXITED.code), value(EXITED.status)];
  const wallTime = Math.round(value(EXITED.wallTime));
  // Other code has reaped it: the kernel may remember the status, but not the usage.
  if (Number.isNaN(value(EXITED.userTime)))
    return new ExitStatus(code, status, unknownUsage(wallTime));
  return new ExitStatus(code, status, {
    wallTime,
    userTime: value(EXITED.userTime),
    systemTime: value(EXITED.systemTime),
    maxRss: ownMaxRss(value(EXITED.maxRss), parentPeak),
    minorFaults: value(EXITED.minorFaults),
    majorFaults: value(EXITED.majorFaults),
    blockInput: value(EXITED.blockInput),
    blockOutput: value(EXITED.blockOutput),
    voluntarySwitches: value(EXITED.voluntarySwitches),
    involuntarySwitches: value(EXITED.involuntarySwitches),
  });
}

/** Follows a process from its launch to its end. */
class Following {
  /** Whether its end is to be followed too. */
  readonly watch: boolean;
  process: Process | undefined;
  unwatched: Unwatched | undefined;
  failure: Failure | undefined;
  /** The steps that were left out, as the addon encodes them. */
  skipped: readonly number[] = [];
  token = 0;
  /** Called once the launch is over. */
  settle: () => void = () => {};
  /** Called when it runs, before its end can have been told. */
  created: (process: Process) => void = () => {};
  #parentPeak = 0;

  constructor(watch: boolean) {
    this.watch = watch;
  }

  /** The handler of its completions. */
  readonly handle = (row: Float64Array, at: number): void => {
    if (row[at + ROW.kind] === COMPLETION.exited) {
      completions.forget(this.token);
      this.process?.end(exitStatus(row, at, this.#parentPeak));
    } else {
      this.launched(row, at);
      this.settle();
    }
  };

  launched(row: Float64Array, at: number): void {
    const first = at + LAUNCHED.firstSkipped;
    this.skipped = Array.from(row.subarray(first, first + (row[at + LAUNCHED.skipped] as number)));
    if (row[at + LAUNCHED.step] !== START.launched) {
      this.fail(row[at + LAUNCHED.step] as number, row[at + LAUNCHED.error] as number);
    } else if (this.watch) {
      this.#parentPeak = row[at + LAUNCHED.maxRssFloor] as number;
      this.process = launchedProcess(row, at);
      this.created(this.process);
    } else {
      const value = (column: number): number => row[at + column] as number;
      this.unwatched = {
        handle: new Handle(value(LAUNCHED.pid), value(LAUNCHED.pidfd), 'here'),
        parentPeak: value(LAUNCHED.maxRssFloor),
        started: value(LAUNCHED.started),
      };
      this.#over();
    }
  }

  fail(step: number, errno: number): void {
    this.failure = { step, errno };
    this.#over();
  }

  #over(): void {
    completions.forget(this.token);
    completions.release();
  }
}

/** What is closed once the launch is over, as the addon takes it. */
function toFds(fds: readonly number[], compiled: CompiledLaunch): Int32Array | undefined {
  if (fds.length === 0 && compiled.closeAfter.length === 0) return undefined;
  return Int32Array.from([...fds, ...compiled.closeAfter]);
}

async function launchLater(
  compiled: CompiledLaunch,
  closeFds: readonly number[],
  following: Following,
): Promise<void> {
  const { bytes } = compiled;
  following.token = completions.register(following.handle);
  completions.retain();
  const fds = toFds(closeFds, compiled);
  const errno = native.launch(bytes, bytes.length, following.token, fds, following.watch);
  if (errno !== 0) {
    following.fail(START.clone, errno);
    return;
  }
  await new Promise<void>((resolve) => {
    following.settle = resolve;
  });
}

function launchNow(
  compiled: CompiledLaunch,
  closeFds: readonly number[],
  following: Following,
): void {
  const { bytes } = compiled;
  following.token = completions.register(following.handle);
  completions.retain();
  const fds = toFds(closeFds, compiled);
  const { watch, token } = following;
  // A tracee obeys the thread that launched it: `trace` works on the spawner's.
  const traced = watch && compiled.launch.options.ptrace === true;
  const errno = native.launchSync(bytes, bytes.length, token, fds, watch, traced);
  if (errno === 0) following.launched(completions.mailbox, 0);
  else following.fail(START.clone, errno);
}

/** A foreground process gives the terminal back when it stops or ends. */
function borrow({ launch: { options } }: CompiledLaunch): Loan | undefined {
  return options.foreground === undefined ? undefined : new Loan(options.foreground);
}

/** Throws if the launch failed: here, where the stack is that of whoever launched. */
function check({ failure }: Following, compiled: CompiledLaunch, loan: Loan | undefined): void {
  if (failure === undefined) return;
  loan?.end();
  throw launchError(compiled, failure.step, failure.errno);
}

/** The group of a foreground child: its own, unless it was to join another. */
function groupOf(pid: number, { launch: { options } }: CompiledLaunch): number {
  return options.processGroup || pid;
}

/** A process that was launched, with what it was launched with. */
function begin(following: Following, compiled: CompiledLaunch, loan: Loan | undefined): Process {
  const child = following.process as Process;
  child.describe({ cgroup: compiled.cgroupPath });
  child.skipped = skippedSteps(compiled, following.skipped);
  loan?.begin(groupOf(child.pid, compiled));
  void loan?.follow(child);
  return child;
}

/**
 * Launches; `closeFds` are closed in this process once that is over. Resolves when execve succeeded.
 *
 * @param created Is called as soon as it has: when the promise is settled, a short program may have
 * ended and be reaped.
 * @throws LaunchError
 */
export async function launch(
  compiled: CompiledLaunch,
  closeFds: readonly number[] = [],
  created: (process: Process) => void = () => {},
): Promise<Process> {
  const following = new Following(true);
  following.created = created;
  const loan = borrow(compiled);
  await launchLater(compiled, closeFds, following);
  check(following, compiled, loan);
  const child = begin(following, compiled, loan);
  if (compiled.launch.options.ptrace) await holdTracee(child.pid);
  return child;
}

/** As `launch`, but returns only then. */
export function launchSync(compiled: CompiledLaunch, closeFds: readonly number[] = []): Process {
  const following = new Following(true);
  const loan = borrow(compiled);
  launchNow(compiled, closeFds, following);
  check(following, compiled, loan);
  const child = begin(following, compiled, loan);
  if (compiled.launch.options.ptrace) holdTraceeSync(child.pid);
  return child;
}

/** The same for one that the caller reaps. */
function beginUnwatched(
  { unwatched, skipped }: Following,
  compiled: CompiledLaunch,
  loan: Loan | undefined,
): Unwatched {
  const child = unwatched as Unwatched;
  loan?.begin(groupOf(child.handle.pid, compiled));
  return {
    ...child,
    loan,
    cgroup: compiled.cgroupPath,
    skipped: skippedSteps(compiled, skipped),
  };
}

/** As `launch`, for a process that the caller reaps, and whose `loan` it ends or leaves. */
export async function launchUnwatched(
  compiled: CompiledLaunch,
  closeFds: readonly number[] = [],
): Promise<Unwatched> {
  const following = new Following(false);
  const loan = borrow(compiled);
  await launchLater(compiled, closeFds, following);
  check(following, compiled, loan);
  return beginUnwatched(following, compiled, loan);
}

/** As `launchUnwatched`, but returns only then. */
export function launchUnwatchedSync(
  compiled: CompiledLaunch,
  closeFds: readonly number[] = [],
): Unwatched {
  const following = new Following(false);
  const loan = borrow(compiled);
  launchNow(compiled, closeFds, following);
  check(following, compiled, loan);
  return beginUnwatched(following, compiled, loan);
}
