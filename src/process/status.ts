/**
 * How a process ended, and what it used.
 *
 * @module
 */
import { CLD } from '../syscall/constants.js';
import { type SignalName, signalDescription, signalName } from '../syscall/signals.js';

/**
 * What a process and its awaited descendants used: getrusage(2). A member is undefined if it is not
 * known: of a process that is not a child of this one, and of a child that other code has reaped.
 */
export interface ResourceUsage {
  /** Processor time in user mode, microseconds. */
  readonly userTime: number | undefined;
  /** Processor time in the kernel, microseconds. */
  readonly systemTime: number | undefined;
  /**
   * The most memory it had resident, bytes. The kernel starts counting at the peak of the process
   * that launched it, so this is undefined where it never went beyond that.
   */
  readonly maxRss: number | undefined;
  /** Page faults served without reading a disk. */
  readonly minorFaults: number | undefined;
  /** Page faults that read a disk. */
  readonly majorFaults: number | undefined;
  /** Times the file system had to read. */
  readonly blockInput: number | undefined;
  /** Times the file system had to write. */
  readonly blockOutput: number | undefined;
  /** Times it waited for something. */
  readonly voluntarySwitches: number | undefined;
  /** Times another process had its turn. */
  readonly involuntarySwitches: number | undefined;
  /** From right before its birth to its end, microseconds: what the steps of the launch take is in it. */
  readonly wallTime: number | undefined;
}

/**
 * Why a process ended; `'unknown'` when somebody else took the status first, and `'lost'` when the slot of
 * a pool was lost that it ran in.
 */
export type ExitReason =
  | 'exited'
  | 'signaled'
  | 'timeout'
  | 'aborted'
  | 'maxBuffer'
  | 'lost'
  | 'unknown';

/** A pipe that was given up because others had it open when the process had ended. */
export interface HeldStream {
  /** `'stdout'`, `'stderr'`, `'fd 3'`. */
  readonly stream: string;
  /** The processes that had it open, as far as /proc shows them to this user. */
  readonly pids: readonly number[];
  /** The name of each of these processes, as ps(1) shows it. */
  readonly names: readonly string[];
}

/** What `console.log` of Node, Bun and Deno asks for. */
export const INSPECT: unique symbol = Symbol.for('nodejs.util.inspect.custom') as typeof INSPECT;

/** How a process ended. */
export class ExitStatus {
  /** The exit code; null when a signal ended it. */
  readonly code: number | null;
  /** The signal that ended it, or null. */
  readonly signal: SignalName | null;
  /** Whether it left a core dump. */
  readonly coreDumped: boolean;
  /** Why it ended: by itself, or what it was stopped for. */
  readonly reason: ExitReason;
  /** What the process and the children that it awaited used. */
  readonly usage: ResourceUsage;
  /** The pipes that were given up after `waitDelay`; empty where all were read to their end. */
  readonly held: readonly HeldStream[];
  /** Whether it exited with code 0. */
  readonly ok: boolean;
  /** As a shell has it in `$?`: the exit code, or 128 and the number of the signal. */
  readonly shellCode: number;

  /** @internal */
  constructor(
    how: number,
    status: number,
    usage: ResourceUsage,
    reason?: ExitReason,
    held: readonly HeldStream[] = [],
  ) {
    const exited = how === CLD.CLD_EXITED;
    const signaled = how === CLD.CLD_KILLED || how === CLD.CLD_DUMPED;
    this.code = exited ? status : null;
    this.signal = signaled ? signalName(status) : null;
    this.coreDumped = how === CLD.CLD_DUMPED;
    this.reason = reason ?? (exited ? 'exited' : signaled ? 'signaled' : 'unknown');
    this.usage = usage;
    this.held = held;
    // Members of its own, which structuredClone and JSON keep.
    this.ok = this.code === 0;
    this.shellCode = this.code ?? (signaled ? 128 + status : 128);
  }

  /** The same end, with more known of it. @internal */
  with({ reason = this.reason, held = this.held }: Partial<ExitStatus>): ExitStatus {
    let how: number = CLD.CLD_EXITED;
    if (this.signal !== null) how = this.coreDumped ? CLD.CLD_DUMPED : CLD.CLD_KILLED;
    else if (this.code === null) how = 0;
    return new ExitStatus(how, this.code ?? this.shellCode - 128, this.usage, reason, held);
  }

  /** `'exit status 3'`, `'signal: terminated'`, `'signal: aborted (core dumped)'`. */
  toString(): string {
    if (this.code !== null) return `exit status ${this.code}`;
    if (this.signal === null) {
      return this.reason === 'lost' ? 'lost with its slot' : 'exit status unknown';
    }
    const core = this.coreDumped ? ' (core dumped)' : '';
    return `signal: ${signalDescription(this.shellCode - 128)}${core}`;
  }

  /** One line for `console.log`: usage has fourteen. @internal */
  [INSPECT](): string {
    const { wallTime = 0, userTime = 0, systemTime = 0 } = this.usage;
    const [wall, user, system] = [wallTime, userTime, systemTime].map((time) => time / 1000);
    const why = this.reason === 'exited' || this.reason === 'signaled' ? '' : `, ${this.reason}`;
    const held = this.held.length === 0 ? '' : `, ${this.held.map(({ stream }) => stream)} held`;
    return `ExitStatus { ${this}${why}${held}, ${wall} ms, user ${user} ms, system ${system} ms }`;
  }
}

/** KiB by which the kernel's count of the parent may have moved between its reading and ours. */
const RSS_TOLERANCE = 2048;

/** `ru_maxrss` of a child in bytes, if it is the child's own. Both arguments in KiB. */
export function ownMaxRss(maxRss: number, parentPeak: number): number | undefined {
  return maxRss > parentPeak + RSS_TOLERANCE ? maxRss * 1024 : undefined;
}

/** The usage of which nothing is known but `wallTime`. */
export function unknownUsage(wallTime?: number): ResourceUsage {
  return {
    userTime: undefined,
    systemTime: undefined,
    maxRss: undefined,
    minorFaults: undefined,
    majorFaults: undefined,
    blockInput: undefined,
    blockOutput: undefined,
    voluntarySwitches: undefined,
    involuntarySwitches: undefined,
    wallTime,
  };
}
