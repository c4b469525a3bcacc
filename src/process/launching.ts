/**
 * One launch, as the thread knows it that asked for it.
 *
 * @module
 */
import type { Launch } from '../launch/attribute.js';
import {
  type CompiledLaunch,
  launchError,
  type SkippedStep,
  skippedSteps,
} from '../launch/compile.js';
import type { LaunchOptions } from '../launch/order.js';
import { completions, native } from '../native.js';
import { COMPLETION, EXITED, LAUNCHED, ROW, START } from '../protocol.js';
import { clearTimeout, now, setTimeout } from '../time.js';
import { remember } from './explain.js';
import { Handle } from './handle.js';
import { Loan } from './loan.js';
import { Process } from './process.js';
import { ExitStatus, ownMaxRss, unknownUsage } from './status.js';

/** A process that nobody watches: whoever launched it reaps it and closes its pidfd. */
export interface Unwatched {
  /** What the native side knows it by. */
  readonly token: number;
  readonly handle: Handle;
  /** What the kernel began with when it counted the process' memory, KiB. */
  readonly parentPeak: number;
  /** CLOCK_MONOTONIC right before its birth, microseconds. */
  readonly started: number;
  /** The terminal that it has as a foreground process. */
  readonly loan?: Loan | undefined;
  /** The directory of the control group that it was started in. */
  readonly cgroup?: string | undefined;
  /** The steps that failed and were left out. */
  readonly skipped: readonly SkippedStep[];
  /** How it was launched. */
  readonly launch: Launch<LaunchOptions>;
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

/** How a launch is made. */
export interface How<Sync extends boolean, Watch extends boolean> {
  /** Whether the call returns only once it is over. */
  readonly sync: Sync;
  /** Whether the end of the process is followed; else the caller reaps it, and ends or leaves its `loan`. */
  readonly watch: Watch;
  /** Without `watch`: whether it is reaped by `reap`, and where this thread ends before that, by the native side. */
  readonly own?: boolean;
  /** Descriptors that are closed in this process once it is over. */
  readonly closeFds?: readonly number[];
  /** Is called as soon as the program runs: when the promise is settled, a short one may be reaped. */
  readonly created?: (process: Process) => void;
  /** Is called once it has ended, and then it is left unreaped: see `startHeld`. */
  readonly ended?: (status: ExitStatus) => void;
  /** With `sync`: milliseconds after which the launch is given up. */
  readonly timeLimit?: number;
  /**
   * Without `sync`: is called when the launch is on its way, with a function that gives it up, and says with
   * which errno. Returns what to call when it is over.
   */
  readonly limit?: ((giveUp: (errno: number) => void) => () => void) | undefined;
}

/** Milliseconds that the child of a launch that was given up has to be gone. */
export const AFTER_KILL = 1000;

/** Milliseconds between looks whether the child of a launch that was given up is gone. */
const LOOK_EVERY = 100;

/** One launch, and where its process is watched also what follows until its end. */
export class Launching {
  readonly token: number;
  /** Called once the launch is over. */
  settle: () => void = () => {};
  readonly #compiled: CompiledLaunch;
  readonly #how: How<boolean, boolean>;
  readonly #loan: Loan | undefined;
  #process: Process | undefined;
  #unwatched: Unwatched | undefined;
  #failure: readonly [step: number, errno: number] | undefined;
  #parentPeak = 0;
  #skipped: readonly SkippedStep[] = [];
  /** Whether its failure is that it took too long. */
  #isLate = false;

  constructor(compiled: CompiledLaunch, how: How<boolean, boolean>) {
    const { foreground } = compiled.launch.options;
    this.#compiled = compiled;
    this.#how = how;
    // A foreground process gives the terminal back when it stops or ends.
    this.#loan = foreground === undefined ? undefined : new Loan(foreground);
    this.token = completions.register(this.#handle);
    completions.retain();
  }

  readonly #handle = (row: Float64Array, at: number): void => {
    if (row[at + ROW.kind] === COMPLETION.exited) {
      completions.forget(this.token);
      const status = exitStatus(row, at, this.#parentPeak);
      remember(status, this.#compiled.launch);
      this.#process?.end(status);
      this.#how.ended?.(status);
    } else {
      this.launched(row, at);
      this.settle();
    }
  };

  launched(row: Float64Array, at: number): void {
    const value = (column: number): number => row[at + column] as number;
    const [first, count] = [at + LAUNCHED.firstSkipped, value(LAUNCHED.skipped)];
    if (count > 0) {
      const skipped = Array.from(row.subarray(first, first + count));
      this.#skipped = skippedSteps(this.#compiled, skipped);
    }
    if (value(LAUNCHED.step) !== START.launched) {
      this.fail(value(LAUNCHED.step), value(LAUNCHED.error));
    } else if (this.#how.watch) {
      this.#parentPeak = value(LAUNCHED.maxRssFloor);
      this.#process = launchedProcess(row, at);
      this.#how.created?.(this.#process);
    } else {
      this.#unwatched = {
        handle: new Handle(value(LAUNCHED.pid), value(LAUNCHED.pidfd), 'here'),
        token: value(ROW.token),
        parentPeak: value(LAUNCHED.maxRssFloor),
        started: value(LAUNCHED.started),
        loan: this.#loan,
        cgroup: this.#compiled.cgroupPath,
        skipped: this.#skipped,
        launch: this.#compiled.launch,
      };
      this.#over();
    }
  }

  /** Why there is no process: the cheap half of what `result` would throw. */
  get failure(): readonly [step: number, errno: number] | undefined {
    return this.#failure;
  }

  fail(step: number, errno: number): void {
    this.#failure = [step, errno];
    this.#loan?.end();
    this.#over();
  }

  /** Ends the attempt: it fails once its child is gone. Returns the step where that is, or one of START. */
  cancel(errno: number): number {
    this.#isLate = true;
    return native.cancelLaunch(this.token, errno);
  }

  /**
   * Ends the attempt, and settles it after a second even if its child can't be killed: the native side then
   * reaps it whenever it ends. Returns what to call when it has settled.
   */
  giveUp(errno: number): () => void {
    const deadline = now() + AFTER_KILL;
    let timer: NodeJS.Timeout | undefined;
    const kill = (): void => {
      const step = this.cancel(errno);
      if (step === START.launched || now() < deadline) {
        timer = setTimeout(kill, LOOK_EVERY);
      } else {
        this.fail(step, errno);
        this.settle();
      }
    };
    kill();
    return () => clearTimeout(timer);
  }

  /** What was launched; called where the stack is that of whoever launched it. */
  result(): Process | Unwatched {
    if (this.#failure !== undefined) {
      throw launchError(this.#compiled, ...this.#failure, this.#isLate);
    }
    const process = this.#process;
    const child = (process ?? this.#unwatched) as Process | Unwatched;
    // The group of a foreground child is its own, unless it was to join another.
    const { pid } = process ?? (child as Unwatched).handle;
    this.#loan?.begin(this.#compiled.launch.options.processGroup || pid);
    if (process === undefined) return child;
    process.describe({ cgroup: this.#compiled.cgroupPath });
    process.skipped = this.#skipped;
    process.layers = this.#compiled.layers;
    void this.#loan?.follow(process);
    return child;
  }

  #over(): void {
    completions.forget(this.token);
    completions.release();
  }
}
