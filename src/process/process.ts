/**
 * One process, ours or another's.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { completions, type NativeChannel, native } from '../native.js';
import { aboveStdio, attempt, call, close } from '../syscall/call.js';
import { checkSignal, invalid } from '../syscall/check.js';
import { CLD, E, EPOLL, F, LAYOUT, PIDFD, POLL } from '../syscall/constants.js';
import { SystemError } from '../syscall/errors.js';
import { writeStruct } from '../syscall/layout.js';
import type { Signal } from '../syscall/signals.js';
import { isLeft, type Scope, type ScopeTarget, signalScope } from './scope.js';
import { ExitStatus, ownMaxRss, type ResourceUsage } from './status.js';

const SCOPES = new Set<Scope>(['process', 'group', 'session', 'tree', 'cgroup']);

/** The scope of an option; `'process'` when there is none. */
export function checkScope(option: string, scope: Scope | undefined): Scope {
  if (scope === undefined) return 'process';
  if (!SCOPES.has(scope)) throw invalid(option, scope, [...SCOPES].join(', '));
  return scope;
}

/** What `Process` needs to know of a launch; the columns of native/addon.c's rows. */
interface Launched {
  readonly pid: number;
  readonly pidfd: number;
  readonly inode: number;
}

/** Identifies a process for as long as the system runs, even after its pid was given to another. */
function identify(pid: number, inode: number): string {
  // Before Linux 6.9 a pidfd has no inode of its own: the start time in clock ticks serves.
  return `${pid}:${inode > 0 ? inode : startTime(pid)}`;
}

/** Field 22 of /proc/PID/stat, counted from behind the name, which may hold anything. */
function startTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '0';
  } catch {
    return '0';
  }
}

/** The inode of a pidfd where it means something, else 0. */
function inodeOf(pidfd: number): number {
  const PIDFS_MAGIC = 0x5049_4446;
  const statfs = new BigUint64Array(15);
  if (attempt('fstatfs', pidfd, statfs) < 0 || Number(statfs[0]) !== PIDFS_MAGIC) return 0;
  const stat = new BigUint64Array(18);
  return attempt('fstat', pidfd, stat) < 0 ? 0 : Number(stat[1]);
}

/**
 * One process.
 *
 * Signals go by pidfd: they reach this process or none, never another that got its number.
 */
export class Process implements Disposable {
  readonly pid: number;
  /** `'pid:inode'`, unique for as long as the system runs; `Process.open` takes it. */
  readonly id: string;
  #pidfd: number;
  /** A copy that outlives it. */
  #pinned = -1;
  #cgroup: string | undefined;
  #marker: string | undefined;
  #status: ExitStatus | undefined;
  #exited: Promise<ExitStatus> | undefined;
  #settle: ((status: ExitStatus) => void) | undefined;
  #reject: ((error: Error) => void) | undefined;
  /** Opened, not launched: its end is watched once somebody asks, and its handle can be given up. */
  #opened = false;
  #watching: { readonly token: number; readonly channel: NativeChannel } | undefined;
  #referenced = true;

  /** @internal */
  constructor(launched: Launched) {
    this.pid = launched.pid;
    this.id = identify(launched.pid, launched.inode);
    this.#pidfd = launched.pidfd;
  }

  /**
   * Any process, by its number or `id`; `wait` tells its end even if it is no child.
   *
   * @throws SystemError ESRCH when there is none, or another has its number by now.
   * @see pidfd_open(2), Linux 5.3
   */
  static open(pidOrId: number | string): Process {
    const pid = typeof pidOrId === 'number' ? pidOrId : Number.parseInt(pidOrId, 10);
    if (!Number.isInteger(pid) || pid <= 0) {
      throw invalid('pid', pidOrId, "a process id or a Process' `id`");
    }
    const pidfd = aboveStdio(call('pidfd_open', pid, 0));
    const opened = new Process({ pid, pidfd, inode: inodeOf(pidfd) });
    if (typeof pidOrId === 'string' && opened.id !== pidOrId) {
      close(pidfd);
      throw new SystemError('pidfd_open', E.ESRCH);
    }
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
    this.#exited = new Promise((resolve, reject) => {
      if (this.#status !== undefined) resolve(this.#status);
      else if (this.#pidfd < 0) reject(noHandle(this.pid));
      this.#settle = resolve;
      this.#reject = reject;
    });
    if (this.#opened && this.#pidfd >= 0) this.#watchForeign();
    return this.#exited;
  }

  /**
   * Sends a signal; false once the process has ended. With a `scope` all of its processes get it;
   * false when there is none left, or the process itself has ended.
   *
   * @throws SystemError EPERM, and TypeError for a signal that there is not.
   * @see pidfd_send_signal(2)
   */
  signal(signal: Signal, options: { scope?: Scope } = {}): boolean {
    const number = checkSignal('signal', signal);
    const scope = checkScope('scope', options.scope);
    if (scope !== 'process') {
      const target = this.#target();
      return target !== undefined && signalScope(target, number, scope);
    }
    if (this.#pidfd < 0) return false;
    const result = attempt('pidfd_send_signal', this.#pidfd, number, null, 0);
    if (result === -E.ESRCH) return false;
    if (result < 0) throw new SystemError('pidfd_send_signal', -result);
    return true;
  }

  /** Whether anybody of a scope is left; of a wider one than 'process' only while it is pinned or has
   * not ended. @internal */
  isLeft(scope: Scope): boolean {
    if (scope === 'process') return this.#status === undefined;
    const target = this.#target();
    return target !== undefined && isLeft(target, scope);
  }

  /** Until the returned function is called, signals for its group, session and tree are sent even
   * when it has ended itself. @internal */
  pin(): () => void {
    const fd = this.#pidfd < 0 ? -1 : attempt('fcntl', this.#pidfd, F.F_DUPFD_CLOEXEC, 3);
    if (fd < 0 || this.#pinned >= 0) {
      if (fd >= 0) close(fd);
      return () => {};
    }
    this.#pinned = fd;
    return () => {
      this.#pinned = -1;
      close(fd);
    };
  }

  /** What it was started with, for signals to more than itself. @internal */
  describe({ cgroup, marker }: Pick<ScopeTarget, 'cgroup' | 'marker'>): void {
    this.#cgroup ??= cgroup;
    this.#marker ??= marker;
  }

  #target(): ScopeTarget | undefined {
    const pidfd = this.#pidfd < 0 ? this.#pinned : this.#pidfd;
    if (pidfd < 0) return undefined;
    return { pid: this.pid, pidfd, cgroup: this.#cgroup, marker: this.#marker };
  }

  /**
   * Calls `use` with the pidfd, which is valid until it returns.
   *
   * @throws Error ERR_NO_HANDLE once the process was reaped.
   */
  withHandle<T>(use: (pidfd: number) => T): T {
    if (this.#pidfd < 0) throw noHandle(this.pid);
    return use(this.#pidfd);
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
    if (!this.#opened || this.#pidfd < 0) return;
    this.#stopWatching();
    close(this.#pidfd);
    this.#pidfd = -1;
    this.unref();
    this.#reject?.(noHandle(this.pid));
  }

  /** Whether it has ended, reaped or not. @internal */
  hasEnded(): boolean {
    if (this.#pidfd < 0) return true;
    const pollfd = writeStruct(LAYOUT.pollfd, { fd: this.#pidfd, events: POLL.POLLIN });
    return attempt('ppoll', pollfd, 1, new Uint8Array(LAYOUT.timespec.size), null, 0) === 1;
  }

  /** It was reaped, or has ended and is another's to reap. @internal */
  end(status: ExitStatus): void {
    if (this.#status !== undefined) return;
    this.unref();
    this.#status = status;
    // A child's is closed by the native side, once all that it had to tell has been told.
    if (this.#opened && this.#pidfd >= 0) close(this.#pidfd);
    this.#pidfd = -1;
    this.#settle?.(status);
    this.#settle = undefined;
  }

  #stopWatching(): void {
    if (this.#watching === undefined) return;
    completions.forget(this.#watching.token);
    native.closeChannel(this.#watching.channel);
    this.#watching = undefined;
  }

  /** A process that is no child: its pidfd says when it ends, and since Linux 6.15 how. */
  #watchForeign(): void {
    const pidfd = this.#pidfd;
    const token = completions.register(() => {
      this.#stopWatching();
      this.#endForeign(1);
    });
    const channel = native.openChannel(pidfd, false, token);
    if (typeof channel === 'number') {
      completions.forget(token);
      throw new SystemError('epoll_ctl', channel);
    }
    this.#watching = { token, channel };
    this.ref();
    native.armChannel(channel, EPOLL.EPOLLIN);
  }

  /** Its status is there once its parent has reaped it, which may be a moment after its end. */
  #endForeign(delay: number): void {
    if (this.#pidfd < 0) return;
    const [how, status] = exitInfo(this.#pidfd);
    if (how === 0 && delay < 1000) setTimeout(() => this.#endForeign(delay * 2), delay);
    else this.end(new ExitStatus(how, status, NO_USAGE));
  }
}

function noHandle(pid: number): Error {
  const error = new Error(`process ${pid} has ended, or its handle was given up`);
  return Object.assign(error, { code: 'ERR_NO_HANDLE' });
}

/** Another's child: only its parent learns what it used. */
const NO_USAGE: ResourceUsage = {
  userTime: 0,
  systemTime: 0,
  maxRss: undefined,
  minorFaults: 0,
  majorFaults: 0,
  blockInput: 0,
  blockOutput: 0,
  voluntarySwitches: 0,
  involuntarySwitches: 0,
  wallTime: 0,
};

/** How a process ended, from its pidfd: a CLD_ code, or 0 where that can't be known, and the status. */
function exitInfo(pidfd: number): [how: number, status: number] {
  const { PIDFD_GET_INFO, PIDFD_INFO_EXIT } = PIDFD;
  const info = new DataView(new ArrayBuffer(72)); // struct pidfd_info
  info.setBigUint64(0, BigInt(PIDFD_INFO_EXIT), true);
  if (attempt('ioctl', pidfd, PIDFD_GET_INFO, info) < 0) return [0, 0];
  if ((info.getUint32(0, true) & PIDFD_INFO_EXIT) === 0) return [0, 0];
  const code = info.getInt32(60, true);
  const signal = code & 0x7f;
  if (signal === 0) return [CLD.CLD_EXITED, (code >> 8) & 0xff];
  return [(code & 0x80) === 0 ? CLD.CLD_KILLED : CLD.CLD_DUMPED, signal];
}

/** A process that the native side just launched, from its row. */
export function launchedProcess(row: Float64Array, at: number): Process {
  return new Process({
    pid: row[at + 4] as number,
    pidfd: row[at + 5] as number,
    inode: row[at + 6] as number,
  });
}

/** How a process ended, from its row; `parentPeak` is from the row of its launch. */
export function exitStatus(row: Float64Array, at: number, parentPeak: number): ExitStatus {
  const value = (column: number): number => row[at + column] as number;
  return new ExitStatus(value(2), value(3), {
    wallTime: value(4),
    userTime: value(5),
    systemTime: value(6),
    maxRss: ownMaxRss(value(7), parentPeak),
    minorFaults: value(8),
    majorFaults: value(9),
    blockInput: value(10),
    blockOutput: value(11),
    voluntarySwitches: value(12),
    involuntarySwitches: value(13),
  });
}
