/**
 * One process, ours or another's.
 *
 * @module
 */

import type { SkippedStep } from '../launch/compile.js';
import { ownOptions } from '../launch/values.js';
import { completions } from '../native.js';
import type { SandboxLayer } from '../sandbox/report.js';
import { aboveStdio, close } from '../syscall/call.js';
import { checkSignal, invalid } from '../syscall/check.js';
import { E } from '../syscall/constants.js';
import { SystemError } from '../syscall/errors.js';
import { refusalOf } from '../syscall/facilities.js';
import type { Signal } from '../syscall/signals.js';
import { openPidfd, watchEnd } from './foreign.js';
import { Handle, noHandle } from './handle.js';
import { identify, inodeOf } from './identity.js';
import { checkScope, isLeft, mayBeOf, type Scope, type ScopeTarget, signalScope } from './scope.js';
import type { ExitStatus } from './status.js';

/** What undoes `pinForLong` when nobody can any more. */
const unheld = new FinalizationRegistry<() => void>((unpin) => unpin());

/**
 * One process.
 *
 * Signals reach this process or none, never another that got its number: they go by pidfd, or,
 * where the system has none, to children alone, which are not reaped meanwhile.
 */
export class Process implements Disposable {
  /** Its number: getpid(2). After its end it may be another's. */
  readonly pid: number;
  /**
   * `'pid:inode'`, unique for as long as the system runs; `Process.open` takes it. The inode is that
   * of the pidfd; before Linux 6.9, and without pidfds, it is the start time of /proc/PID/stat.
   */
  readonly id: string;
  /** Undefined once it has ended or was given up. */
  #handle: Handle | undefined;
  /** The same, while it is pinned. */
  #pinned: Handle | undefined;
  /** Whether it is not even reaped while it is pinned. */
  #isUnreaped = false;
  #unpin: (() => void) | undefined;
  #cgroup: string | undefined;
  #marker: string | undefined;
  /** Those of its tree that were signalled. */
  readonly #seen = new Map<number, string>();
  #status: ExitStatus | undefined;
  #exited: Promise<ExitStatus> | undefined;
  #settle: ((status: ExitStatus) => void) | undefined;
  #reject: ((error: Error) => void) | undefined;
  /** Opened, not launched: its end is watched once somebody asks, and its handle can be given up. */
  #opened = false;
  #stopWatching: (() => void) | undefined;
  #referenced = true;

  /** The steps of its launch that failed and were left out. @internal */
  skipped: readonly SkippedStep[] = [];

  /** What its launch has restricted. @internal */
  layers: readonly SandboxLayer[] = [];

  /** @internal */
  constructor(handle: Handle, inode: number) {
    this.pid = handle.pid;
    this.id = identify(handle.pid, inode);
    this.#handle = handle;
  }

  /**
   * Any process, by its number or `id`; `wait` tells its end even if it is no child.
   *
   * @throws SystemError ESRCH when there is none, or another has its number by now; ENOSYS or EPERM
   * where an older kernel or a filter has no pidfd_open, since a number alone may become another's.
   * @see pidfd_open(2), Linux 5.3
   */
  static open(pidOrId: number | string): Process {
    const pid = typeof pidOrId === 'number' ? pidOrId : Number.parseInt(pidOrId, 10);
    if (!Number.isInteger(pid) || pid <= 0) {
      throw invalid('pid', pidOrId, 'a pid or the id of a Process');
    }
    const pidfd = aboveStdio(openPidfd(pid));
    const opened = Process.#notLaunched(new Handle(pid, pidfd), inodeOf(pidfd));
    if (typeof pidOrId === 'string' && opened.id !== pidOrId) {
      close(pidfd);
      throw new SystemError('pidfd_open', E.ESRCH);
    }
    return opened;
  }

  /**
   * One that this process traces and that is no child: it keeps its number until it is reaped, after
   * which it is to be disposed of. @internal
   */
  static traced(pid: number): Process {
    if (refusalOf('pidfd_open') === 0) return Process.open(pid);
    return Process.#notLaunched(new Handle(pid, -1, 'here'), 0);
  }

  static #notLaunched(handle: Handle, inode: number): Process {
    const opened = new Process(handle, inode);
    opened.#referenced = false;
    opened.#opened = true;
    return opened;
  }

  /** How it ended, if it did; without waiting. */
  status(): ExitStatus | undefined {
    return this.#status;
  }

  /** Waits for its end; any number of callers may. */
  wait(): Promise<ExitStatus> {
    if (this.#exited !== undefined) return this.#exited;
    if (this.#opened && this.#handle !== undefined && this.#canWatch()) {
      try {
        this.#stopWatching = watchEnd(this.#handle.pidfd, (status) => this.end(status));
        this.ref();
      } catch (error) {
        return Promise.reject(error); // and a later call tries again
      }
    }
    this.#exited = new Promise((resolve, reject) => {
      if (this.#status !== undefined) resolve(this.#status);
      else if (this.#handle === undefined || !this.#canWatch()) reject(noHandle(this.pid));
      this.#settle = resolve;
      this.#reject = reject;
    });
    return this.#exited;
  }

  /** Whether somebody can tell its end: for a child it is the native side. */
  #canWatch(): boolean {
    return !this.#opened || (this.#handle?.pidfd ?? -1) >= 0;
  }

  /**
   * Sends a signal; false once the process has ended. With a `scope` all of its processes get it, and
   * it is false when there is none left. After the end of the process itself those of a cgroup are
   * still found, and those of a group, session or tree if the command was started with that scope in
   * its option `stop`.
   *
   * @throws SystemError EPERM, and TypeError for a signal that there is not.
   * @see pidfd_send_signal(2)
   */
  signal(signal: Signal, options: { scope?: Scope } = {}): boolean {
    const number = checkSignal('signal', signal);
    const scope = checkScope('scope', ownOptions(options).scope);
    if (scope !== 'process') {
      const target = this.#target(scope);
      return target !== undefined && signalScope(target, number, scope);
    }
    if (this.#handle === undefined) return false;
    const result = this.#handle.signal(number);
    if (result === -E.ESRCH) return false;
    if (result < 0) throw new SystemError('pidfd_send_signal', -result);
    return true;
  }

  /** Whether anybody of a scope is left that a signal would reach. @internal */
  isLeft(scope: Scope): boolean {
    if (scope === 'process') return this.#status === undefined;
    const target = this.#target(scope);
    return target !== undefined && isLeft(target, scope);
  }

  /** Whether a process with a number up to `last` may be of its tree. @internal */
  mayHaveLeft(last: number): boolean {
    return this.#seen.size > 0 || mayBeOf(this.#marker, this.pid, last);
  }

  /** Until the returned function is called, signals for its group are sent even when it has ended
   * itself. @internal */
  pin(scope: Scope): () => void {
    const keepsNumber = scope === 'session';
    const unpin = this.#pinned === undefined ? this.#handle?.pin(keepsNumber) : undefined;
    if (unpin === undefined) return () => {};
    this.#pinned = this.#handle;
    this.#isUnreaped = keepsNumber || !this.#pinned?.reachesGroupByPidfd;
    return () => {
      this.#pinned = undefined;
      this.#isUnreaped = false;
      unpin();
    };
  }

  /** As `pin`, until `unpin`, or nobody of its group is left at its own end, or nobody has this object
   * in hand any more. @internal */
  pinForLong(): void {
    // Without pidfds it would be a zombie for that long.
    if (this.#pinned !== undefined || !this.#handle?.reachesGroupByPidfd) return;
    const unpin = this.#handle.pin(false);
    if (unpin === undefined) return;
    this.#pinned = this.#handle;
    unheld.register(this, unpin, this);
    this.#unpin = () => {
      unheld.unregister(this);
      this.#pinned = undefined;
      unpin();
    };
  }

  /** Undoes `pinForLong`. @internal */
  unpin(): void {
    this.#unpin?.();
    this.#unpin = undefined;
  }

  /** What it was started with, for signals to more than itself. @internal */
  describe({ cgroup, marker }: Pick<ScopeTarget, 'cgroup' | 'marker'>): void {
    this.#cgroup ??= cgroup;
    this.#marker ??= marker;
  }

  #target(scope: Scope): ScopeTarget | undefined {
    const [cgroup, marker, seen] = [this.#cgroup, this.#marker, this.#seen];
    const handle = this.#handle ?? this.#pinned;
    // A control group is told by its path, a tree and a session by their marker.
    const lasting = scope === 'cgroup' ? cgroup : scope === 'group' ? undefined : marker;
    const isKnown = lasting !== undefined || (scope === 'tree' && seen.size > 0);
    if (handle === undefined && !isKnown) return undefined;
    const reaped = this.#handle === undefined && !this.#isUnreaped;
    return { handle: handle ?? new Handle(this.pid, -1), reaped, cgroup, marker, seen };
  }

  /**
   * Calls `use` with the pidfd, which is valid until it returns.
   *
   * @throws Error ERR_NO_HANDLE once the process was reaped, and where the system has no pidfds.
   */
  withHandle<T>(use: (pidfd: number) => T): T {
    if (this.#handle === undefined || this.#handle.pidfd < 0) throw noHandle(this.pid);
    return use(this.#handle.pidfd);
  }

  /** The event loop stays alive until the process ended, as it does by default for a child. */
  ref(): void {
    if (this.#referenced || this.#status !== undefined) return;
    this.#referenced = true;
    completions.retain();
  }

  /** The event loop does not wait for the process. */
  unref(): void {
    if (!this.#referenced || this.#status !== undefined) return;
    this.#referenced = false;
    completions.release();
  }

  /**
   * Gives up the handle of a process that was opened; who awaits it learns no more. A child is
   * awaited all the same.
   */
  [Symbol.dispose](): void {
    if (!this.#opened || this.#handle === undefined) return;
    this.#giveUp();
    this.unref();
    this.#reject?.(noHandle(this.pid));
  }

  /** Whether it has ended, reaped or not. @internal */
  hasEnded(): boolean {
    return this.#handle?.hasEnded() ?? true;
  }

  /** It was reaped, or has ended and is another's to reap. @internal */
  end(status: ExitStatus): void {
    if (this.#status !== undefined) return;
    this.unref();
    this.#status = status;
    this.#giveUp();
    this.#unpinUnlessLeft();
    this.#settle?.(status);
    this.#settle = undefined;
  }

  /** A group without members never gets any again. */
  #unpinUnlessLeft(): void {
    if (this.#unpin === undefined) return;
    try {
      if (!this.isLeft('group')) this.unpin();
    } catch {
      // There are some, of another user: the ladder tells that to who stops them.
    }
  }

  #giveUp(): void {
    const pidfd = this.#handle?.pidfd ?? -1;
    this.#handle = undefined;
    this.#stopWatching?.();
    // A child's is closed by the native side, once all that it had to tell has been told.
    if (this.#opened && pidfd >= 0) close(pidfd);
  }
}
