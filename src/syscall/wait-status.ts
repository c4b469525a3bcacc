/**
 * The status word of wait4(2).
 *
 * @module
 */

/** Where a status word comes from: the systems don't agree on its bits. */
export type StatusPlatform = 'linux' | 'darwin' | 'freebsd';

const TERMINATED = 0x7f; // the signal that ended it; 0 for an exit
const STOPPED = 0x7f;
const CORE = 0x80;
const SIGTRAP = 5; // on every system
const LINUX_CONTINUED = 0xffff;
const BSD_SIGCONT = 19;

/** How each system says that a stopped process goes on. */
const IS_CONTINUED: Readonly<Record<StatusPlatform, (value: number) => boolean>> = {
  linux: (value) => value === LINUX_CONTINUED,
  // As if SIGCONT had stopped it.
  darwin: (value) => value === ((BSD_SIGCONT << 8) | STOPPED),
  // As if SIGCONT had ended it.
  freebsd: (value) => value === BSD_SIGCONT,
};

/**
 * How a child exited, ended, stopped or went on: exactly one of `exited`, `signaled`, `stopped` and
 * `continued` is true of a status that wait4(2) gave. The methods are those of Go's
 * syscall.WaitStatus.
 *
 * @see wait4(2)
 */
export class WaitStatus {
  /** The word as the kernel gave it. */
  readonly value: number;
  readonly #platform: StatusPlatform;

  constructor(value: number, platform: StatusPlatform = 'linux') {
    this.value = value;
    this.#platform = platform;
  }

  /** Whether it exited by itself: WIFEXITED. */
  exited(): boolean {
    return (this.value & TERMINATED) === 0;
  }

  /** Whether a signal ended it: WIFSIGNALED. */
  signaled(): boolean {
    const signal = this.value & TERMINATED;
    return signal !== STOPPED && signal !== 0 && !this.continued();
  }

  /** Whether it stopped, which is told with WUNTRACED and of traced processes: WIFSTOPPED. */
  stopped(): boolean {
    return (this.value & 0xff) === STOPPED && !this.continued();
  }

  /** Whether it goes on after a stop, which is told with WCONTINUED: WIFCONTINUED. */
  continued(): boolean {
    return IS_CONTINUED[this.#platform](this.value);
  }

  /** Whether it left a core dump when a signal ended it: WCOREDUMP. */
  coreDump(): boolean {
    return this.signaled() && (this.value & CORE) !== 0;
  }

  /** The exit code, 0 to 255; -1 if it didn't exit: WEXITSTATUS. */
  exitStatus(): number {
    return this.exited() ? (this.value >> 8) & 0xff : -1;
  }

  /** The number of the signal that ended it, or -1: WTERMSIG. */
  signal(): number {
    return this.signaled() ? this.value & TERMINATED : -1;
  }

  /** The number of the signal that stopped it, or -1: WSTOPSIG. */
  stopSignal(): number {
    return this.stopped() ? (this.value >> 8) & 0xff : -1;
  }

  /**
   * Which event stopped a traced process with SIGTRAP, a PTRACE_EVENT_ number, 0 for none; -1 for
   * any other status. Linux only.
   */
  trapCause(): number {
    return this.#platform === 'linux' && this.stopSignal() === SIGTRAP ? this.value >> 16 : -1;
  }
}
