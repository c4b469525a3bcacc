/**
 * Running a command to its end while the event loop stands still: one ppoll(2) on its pipes and its
 * pidfd, and no second event loop.
 *
 * @module
 */
import { native } from '../native.js';
import { start } from '../process/launch.js';
import type { Unwatched } from '../process/launching.js';
import { reap, unpin } from '../process/reap.js';
import { isLeft, mayBeOf, type ScopeTarget, signalScope } from '../process/scope.js';
import type { ExitStatus } from '../process/status.js';
import { attempt, close } from '../syscall/call.js';
import { E, LAYOUT, POLL } from '../syscall/constants.js';
import { SystemError } from '../syscall/errors.js';
import { writeStruct } from '../syscall/layout.js';
import { findSignal } from '../syscall/signals.js';
import { isMainThread } from '../thread.js';
import { now } from '../time.js';
import { throwIfAborted } from './abort-signal.js';
import { Capture, type Pipe } from './capture.js';
import { type Checked, checkRunSync, splitArguments } from './checked.js';
import { Collected, DEFAULT_MAX_BUFFER } from './collected.js';
import { Feed } from './feed.js';
import { growPipe, isHeld, LARGEST_BUFFER, readSome } from './io.js';
import { GRACE } from './launch-limit.js';
import { type Body, Life } from './life.js';
import type { RunOptions } from './options.js';
import { type Ran, type Result, resultOf } from './result.js';
import { makeGroup, type SandboxGroup } from './sandbox-group.js';
import { killLeft } from './sandbox-left.js';
import { compileFor } from './spawn.js';
import { type Connections, connect, openFilesSync } from './stdio.js';
import { toBytes } from './transfer.js';
import type { NoOptions } from './types.js';
import { reportOf } from './verbose.js';

/** Milliseconds between looks at a process whose end nothing tells. */
const LOOK_EVERY = 10;

/** Milliseconds for which a Worker can't be terminated. */
const LONGEST_WAIT = 100;

/** A pipe as a channel is one; the loop below says when there is something to read. */
class SyncPipe implements Pipe {
  readonly fd: number;
  closed = false;
  #isGrown = false;
  #isCut = false;
  #room = LARGEST_BUFFER;

  constructor(fd: number) {
    this.fd = fd;
  }

  get held(): boolean {
    return !this.closed && isHeld(this.fd);
  }

  read(): Buffer | undefined | null {
    if (this.closed) return null;
    // No more than there can be at once: the time runs on while others write without an end.
    const bytes = this.#room > 0 ? readSome(this.fd) : undefined;
    this.#room -= bytes?.length ?? 0;
    return bytes === undefined && this.#isCut ? null : bytes;
  }

  onceReadable(): void {
    this.#room = LARGEST_BUFFER;
  }

  grow(): void {
    if (!this.#isGrown) growPipe(this.fd);
    this.#isGrown = true;
  }

  cutOff(): void {
    this.#isCut = true;
  }

  close(): void {
    if (!this.closed) close(this.fd);
    this.closed = true;
  }
}

/** What is signalled: also when the process itself has ended. */
class Target implements Body {
  readonly pid: number;
  #target: ScopeTarget;

  constructor({ handle, cgroup }: Unwatched, marker: string | undefined) {
    this.pid = handle.pid;
    this.#target = { handle, reaped: false, cgroup, marker, seen: new Map() };
  }

  reaped(): void {
    this.#target = { ...this.#target, reaped: true };
  }

  signal: Body['signal'] = (signal, { scope = 'process' } = {}) => {
    const number = findSignal(signal) as number;
    if (scope !== 'process') return signalScope(this.#target, number, scope);
    const errno = this.#target.reaped ? E.ESRCH : -this.#target.handle.signal(number);
    if (errno > 0 && errno !== E.ESRCH) throw new SystemError('pidfd_send_signal', errno);
    return errno === 0;
  };

  hasEnded: Body['hasEnded'] = () => this.#target.reaped || this.#target.handle.hasEnded();

  isLeft: Body['isLeft'] = (scope) => isLeft(this.#target, scope);

  mayHaveLeft(last: number): boolean {
    const { marker, seen } = this.#target;
    return (seen?.size ?? 0) > 0 || mayBeOf(marker, this.pid, last);
  }

  /** It is not reaped to the last before all is over: see `reap`. */
  pin: Body['pin'] = () => () => {};
}

/** Waits until a descriptor is ready or a time has come; in a Worker for a tenth of a second at the most. */
export function poll(
  watched: readonly (readonly [fd: number, events: number])[],
  until: number,
): void {
  const { size } = LAYOUT.pollfd;
  const pollfds = new Uint8Array(size * watched.length);
  for (const [index, [fd, events]] of watched.entries()) {
    writeStruct(LAYOUT.pollfd, { fd, events }, pollfds.subarray(index * size));
  }
  let time: Uint8Array | null = null;
  // A Worker is terminated in JavaScript alone: it comes back for that.
  const latest = isMainThread ? until : Math.min(until, now() + LONGEST_WAIT);
  if (latest !== Number.POSITIVE_INFINITY) {
    // A huge number of seconds is as good as none, and fits.
    const ns = Math.min(Math.max(Math.ceil((latest - now()) * 1e6), 0), 1e15);
    time = writeStruct(LAYOUT.timespec, { sec: Math.floor(ns / 1e9), nsec: ns % 1e9 });
  }
  attempt('ppoll', pollfds, watched.length, time, null, 0);
}

/** Follows a command that was started to its end. */
function follow(
  child: Unwatched,
  ends: Connections['ends'],
  command: Checked,
  begun: number,
  group: SandboxGroup | undefined,
): Ran {
  const { options, limits, marker, stdio } = command;
  const { handle } = child;
  const isPinned = (limits.stop?.scope ?? 'process') !== 'process';
  const target = new Target(child, marker);
  const life = new Life(target, limits, () => {});
  const collected = new Map<number, Capture>();
  const pipes: SyncPipe[] = [];
  let feed: Feed | undefined;
  for (const [name, { fd, kind, attached }] of ends) {
    if (kind === 'reader') {
      const limit = options.maxBuffer ?? DEFAULT_MAX_BUFFER;
      const bytes = new Collected(limit, command.showing.get(name)?.show);
      const pipe = new SyncPipe(fd);
      pipes.push(pipe);
      collected.set(name, new Capture(pipe, name, bytes, life));
    } else if (attached !== undefined) {
      feed = new Feed(fd, toBytes('input', stdio.get(name)));
    } else {
      close(fd); // a pipe to which nobody will write
    }
  }
  // Readable once the process has ended; negative where nothing tells that.
  const end = handle.pidfd < 0 ? native.exitDescriptor(child.token, handle.pid) : handle.pidfd;
  let status: ExitStatus | undefined;
  while (status === undefined || life.state !== 'closed') {
    const open = pipes.filter(({ closed }) => !closed);
    const watched = open.map(({ fd }) => [fd, POLL.POLLIN] as const);
    if (feed !== undefined && feed.fd >= 0) watched.push([feed.fd, POLL.POLLOUT]);
    const isBlind = status === undefined && end < 0;
    if (status === undefined && end >= 0) watched.push([end, POLL.POLLIN]);
    poll(watched, isBlind ? Math.min(life.deadline, now() + LOOK_EVERY) : life.deadline);
    // Trying all of them costs less than reading back which are ready.
    for (const capture of collected.values()) capture.settle();
    feed?.write();
    if (status === undefined && target.hasEnded()) {
      status = reap(child, isPinned);
      target.reaped();
      if (options.sandbox !== undefined) killLeft(target, now() - begun, group);
      if (end >= 0 && end !== handle.pidfd) {
        // Whoever tells it is about to close the other end: nothing of it is to be left.
        attempt('read', end, new Uint8Array(1), 1);
        close(end);
      }
      life.end();
    }
    life.tick();
  }
  feed?.close();
  if (isPinned) unpin(child);
  if (feed?.error !== undefined) throw feed.error;
  const { held, stopError, reason = status.reason } = life;
  return { command, status: status.with({ held, reason }), collected, stopError };
}

function runCommandSync(command: Checked): Result<RunOptions> {
  const { file, args, options, hasFiles } = command;
  throwIfAborted(options.signal);
  const report = reportOf(options.verbose, file, args);
  let child: Unwatched;
  let connections: Connections | undefined;
  let group: SandboxGroup | undefined;
  const begun = now();
  try {
    group = makeGroup(command.group, file, args);
    const connected = connect(command, hasFiles ? openFilesSync(command) : new Map());
    const compiled = compileFor(command, connected, group);
    report?.compiled();
    connections = connected; // from here on the launch closes what is the child's
    const { timeLimit } = command.limits;
    child = start(compiled, {
      sync: true,
      watch: false,
      own: true,
      closeFds: connected.closeAfter,
      timeLimit: timeLimit + GRACE,
    });
  } catch (error) {
    group?.remove();
    for (const { fd } of connections?.ends.values() ?? []) close(fd);
    report?.failed(error);
    throw error;
  }
  report?.launched(child.handle.pid);
  const ran = follow(child, connections.ends, command, begun, group);
  report?.exited(ran.status);
  child.loan?.end();
  return resultOf(ran);
}

/**
 * As `run`, and the event loop stands still until it is over. Streams can't be used meanwhile: stdio
 * is descriptors, files and what is collected, and `input` a string or bytes. `signal` is looked at
 * before the start alone, and there is no `detached`.
 *
 * @throws LaunchError when it could not be started, and ExitError unless it exited with 0.
 */
export function runSync(file: string, args?: readonly string[]): Result<NoOptions>;
/** The same with options. */
export function runSync<const O extends RunOptions>(
  file: string,
  args: readonly string[] | undefined,
  options: O | undefined,
): Result<O>;
/** The same for a program without arguments. */
export function runSync<const O extends RunOptions>(
  file: string,
  options: O | undefined,
): Result<O>;
export function runSync(
  file: string,
  args?: readonly string[] | RunOptions,
  options?: RunOptions,
  ...rest: readonly unknown[]
): Result<RunOptions> {
  const [words, given] = splitArguments(args, options, rest);
  return runCommandSync(checkRunSync(file, words, given));
}
