/**
 * What a process is reached by.
 *
 * @module
 */
import { native } from '../native.js';
import { attempt } from '../syscall/call.js';
import { CLD, E, LAYOUT, P, PIDFD, POLL, W } from '../syscall/constants.js';
import { refusalOf } from '../syscall/facilities.js';
import { readStruct, writeStruct } from '../syscall/layout.js';

/** Who has a process' number kept for it, and so what a signal to that number is. */
type Owner =
  /** Nobody: it is not ours, and its pidfd alone is sure. */
  | undefined
  /** The native side, which knows a child by this token and checks under its lock. */
  | { readonly token: number }
  /** This thread, which reaps the process itself. */
  | 'here';

/**
 * A process that was launched or opened, until it is reaped or given up.
 *
 * Signals go by pidfd. Where there is none, or a filter refuses the call, they go by number, and only
 * to a child that nobody can have reaped meanwhile.
 */
export class Handle {
  readonly pid: number;
  /** -1 where the system has none. */
  readonly pidfd: number;
  readonly #owner: Owner;

  constructor(pid: number, pidfd: number, owner?: Owner) {
    this.pid = pid;
    this.pidfd = pidfd;
    this.#owner = owner;
  }

  /** Sends a signal: 0, or -errno. */
  signal(number: number): number {
    const refusal = this.pidfd < 0 ? E.ENOSYS : refusalOf('pidfd_send_signal');
    if (refusal === 0) return attempt('pidfd_send_signal', this.pidfd, number, null, 0);
    return this.#byNumber(number, false, refusal);
  }

  /** Sends a signal to the group that it leads: 0, or -errno. */
  signalGroup(number: number): number {
    const refusal = this.#groupRefusal();
    const flag = PIDFD.PIDFD_SIGNAL_PROCESS_GROUP;
    if (refusal === 0) return attempt('pidfd_send_signal', this.pidfd, number, null, flag);
    return this.#byNumber(number, true, refusal);
  }

  /** Whether what is left of its group can be told by a signal: see `pin`. */
  get reachesGroupByPidfd(): boolean {
    return this.#groupRefusal() === 0;
  }

  #groupRefusal(): number {
    return this.pidfd < 0 ? E.ENOSYS : refusalOf('pidfd_send_signal to a group');
  }

  #byNumber(number: number, toGroup: boolean, refusal: number): number {
    if (this.#owner === undefined) return -refusal;
    if (this.#owner !== 'here') return -native.signalChild(this.#owner.token, number, toGroup);
    return attempt('kill', toGroup ? -this.pid : this.pid, number);
  }

  /** What the pidfd says of its end. */
  #isReadable(): boolean {
    const pollfd = writeStruct(LAYOUT.pollfd, { fd: this.pidfd, events: POLL.POLLIN });
    return attempt('ppoll', pollfd, 1, new Uint8Array(LAYOUT.timespec.size), null, 0) === 1;
  }

  /** Whether it has ended, reaped or not. */
  hasEnded(): boolean {
    if (this.#owner === undefined) return this.#isReadable();
    const info = new Uint8Array(LAYOUT.siginfo.size);
    const look = W.WEXITED | W.WNOHANG | W.WNOWAIT;
    const result = attempt('waitid', P.P_PID, this.pid, info, look, null);
    // Any other error than that there is no such child says nothing of the child.
    if (result < 0) return result === -E.ECHILD || this.#isReadable();
    // A traced one is reported when it stops, too.
    const { code } = readStruct(LAYOUT.siginfo, info);
    return code === CLD.CLD_EXITED || code === CLD.CLD_KILLED || code === CLD.CLD_DUMPED;
  }

  /**
   * Until the returned function is called, a child's group, session and tree are reached even when it
   * has ended: its pidfd stays open. With `unreaped`, and where a pidfd does not reach a group, it is
   * not reaped either, so that its number stays its own. Undefined when it was reaped already.
   */
  pin(unreaped: boolean): (() => void) | undefined {
    if (typeof this.#owner !== 'object') return undefined;
    const { token } = this.#owner;
    if (native.pinChild(token, unreaped || !this.reachesGroupByPidfd) !== 0) return undefined;
    return () => native.unpinChild(token);
  }
}

/** The error for a process that can not be reached any more, or not so. */
export function noHandle(pid: number): Error {
  const error = new Error(
    `process ${pid} has no handle: it ended, was released, or this system has no pidfds`,
  );
  return Object.assign(error, { code: 'ERR_NO_HANDLE' });
}
