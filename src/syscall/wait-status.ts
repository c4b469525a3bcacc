/**
 * The status word of wait4(2).
 *
 * @module
 */

/** The system that a status word comes from: systems differ in its bits. */
export type StatusPlatform = 'linux' | 'darwin' | 'freebsd';

const TERMINATED = 0x7f; // the signal that ended the process; 0 for an exit
const STOPPED = 0x7f;
const CORE = 0x80;
const SIGTRAP = 5; // on every system
const LINUX_CONTINUED = 0xffff;
const BSD_SIGCONT = 19;

/** How each system encodes that a stopped process was continued. */
const IS_CONTINUED: Readonly<Record<StatusPlatform, (value: number) => boolean>> = {
  linux: (value) => value === LINUX_CONTINUED,
  // As if SIGCONT had stopped it.
  darwin: (value) => value === ((BSD_SIGCONT << 8) | STOPPED),
  // As if SIGCONT had ended it.
  freebsd: (value) => value === BSD_SIGCONT,
};

/**
 * How a child exited, was ended by a signal, stopped or was continued: exactly one of `exited`,
 * `signaled`, `stopped` and `continued` is true for a status of wait4(2). The methods are those of
 * Go's syscall.WaitStatus.
 *
 * @see wait4(2)
 */
export class WaitStatus {
  /** The status word of the kernel. */
  readonly value: number;
  readonly #platform: StatusPlatform;

  constructor(value: number, platform: StatusPlatform = 'linux') {
    this.value = value;
    this.#platform = platform;
  }

  /** Whether the process exited: WIFEXITED. */
  exited(): boolean {
    return (this.value & TERMINATED) === 0;
  }

  /** Whether a signal ended the process: WIFSIGNALED. */
  signaled(): boolean {
    const signal = this.value & TERMINATED;
    return signal !== STOPPED && signal !== 0 && !this.continued();
  }

  /** Whether the process stopped, reported with WUNTRACED and for traced processes: WIFSTOPPED. */
  stopped(): boolean {
    return (this.value & 0xff) === STOPPED && !this.continued();
  }

  /** Whether the process was continued, reported with WCONTINUED: WIFCONTINUED. */
  continued(): boolean {
    return IS_CONTINUED[this.#platform](this.value);
  }

  /** Whether the process left a core dump: WCOREDUMP. */
  coreDump(): boolean {
    return this.signaled() && (this.value & CORE) !== 0;
  }

  /** The exit code, 0 to 255; -1 if the process did not exit: WEXITSTATUS. */
  exitStatus(): number {
    return this.exited() ? (this.value >> 8) & 0xff : -1;
  }

  /** The number of the signal that ended the process, or -1: WTERMSIG. */
  signal(): number {
    return this.signaled() ? this.value & TERMINATED : -1;
  }

  /** The number of the signal that stopped the process, or -1: WSTOPSIG. */
  stopSignal(): number {
    return this.stopped() ? (this.value >> 8) & 0xff : -1;
  }

  /**
   * The event that stopped a traced process with SIGTRAP: a PTRACE_EVENT_ number, 0 for none, -1
   * for any other status. Linux only.
   */
  trapCause(): number {
    return this.#platform === 'linux' && this.stopSignal() === SIGTRAP ? this.value >> 16 : -1;
  }
}
