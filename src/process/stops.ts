/**
 * Stops and continuations of a child, which epoll does not tell of a pidfd.
 *
 * @module
 */
import { attempt, attemptCopy, close } from '../syscall/call.js';
import { CLD, E, LAYOUT, P, SYS, W } from '../syscall/constants.js';
import { isThreadError } from '../syscall/errors.js';
import { refusalOf } from '../syscall/facilities.js';
import { readStruct } from '../syscall/layout.js';
import { syscallLater } from '../syscall/raw.js';
import { type SignalName, signalName } from '../syscall/signals.js';
import { setTimeout } from '../time.js';
import type { Process } from './process.js';

/** That a process stopped, and by which signal, or that it goes on. */
export type JobChange =
  | { readonly kind: 'stopped'; readonly signal: SignalName }
  | { readonly kind: 'continued' };

/** A pidfd of our own, which stays the process' when it is reaped; -1 where there is none. */
function copyHandle(process: Process): number {
  try {
    if (refusalOf('waitid by pidfd') !== 0) return -1;
    return process.withHandle((pidfd) => attemptCopy(pidfd));
  } catch {
    return -1;
  }
}

/** How many threads of the pool wait for stops at once. The rest of the pool is for calls that end. */
const MOST_THREADS = 16;

/** Milliseconds between looks at a child that no thread waits for. */
const LOOK_EVERY = 50;

/** How many threads wait for stops. */
let threads = 0;

/** Waits until the process has stopped, was continued or has ended: 0, or an errno. */
async function awaitChange(type: number, id: number, info: Uint8Array): Promise<number> {
  // Looked at off the loop and taken by the caller, so that its end is left for the watcher to reap.
  const look = W.WSTOPPED | W.WCONTINUED | W.WEXITED | W.WNOWAIT;
  if (threads < MOST_THREADS) {
    threads += 1;
    try {
      return (await syscallLater(SYS.waitid, type, id, info, look, null)).errno;
    } catch (error) {
      if (!isThreadError(error)) throw error;
    } finally {
      threads -= 1;
    }
  }
  for (;;) {
    const result = attempt('waitid', type, id, info, look | W.WNOHANG, null);
    if (result < 0 || readStruct(LAYOUT.siginfo, info).code !== 0) return -result;
    await new Promise<void>((resolve) => {
      setTimeout(resolve, LOOK_EVERY).unref();
    });
  }
}

/** As `jobChanges`, for one reader: a change that is taken nobody else is told of. */
async function* takeChanges(process: Process): AsyncGenerator<JobChange, void, undefined> {
  if (process.status() !== undefined) return;
  const pidfd = copyHandle(process);
  const [type, id] = pidfd < 0 ? [P.P_PID, process.pid] : [P.P_PIDFD, pidfd];
  try {
    for (;;) {
      const info = new Uint8Array(LAYOUT.siginfo.size);
      const errno = await awaitChange(type, id, info);
      if (errno === E.EINTR) continue;
      const { code, status } = readStruct(LAYOUT.siginfo, info);
      if (errno !== 0) return;
      if (code === CLD.CLD_STOPPED) {
        attempt('waitid', type, id, null, W.WSTOPPED | W.WNOHANG, null);
        yield { kind: 'stopped', signal: signalName(status) };
      } else if (code === CLD.CLD_CONTINUED) {
        attempt('waitid', type, id, null, W.WCONTINUED | W.WNOHANG, null);
        yield { kind: 'continued' };
      } else {
        return; // ended, or traced: then its stops are its tracer's
      }
    }
  } finally {
    if (pidfd >= 0) close(pidfd);
  }
}

/** What was told to one reader of several. */
class Inbox {
  readonly #changes: JobChange[] = [];
  #ended = false;
  #wake: (() => void) | undefined;

  put(change: JobChange | undefined): void {
    if (change === undefined) this.#ended = true;
    else this.#changes.push(change);
    this.#wake?.();
  }

  /** Undefined at the end. */
  async take(): Promise<JobChange | undefined> {
    while (this.#changes.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#changes.shift();
  }
}

/** The readers of each child that has any. */
const readers = new WeakMap<Process, Set<Inbox>>();

async function tellAll(process: Process, inboxes: Set<Inbox>): Promise<void> {
  try {
    for await (const change of takeChanges(process)) {
      for (const inbox of inboxes) inbox.put(change);
    }
  } finally {
    readers.delete(process);
    for (const inbox of inboxes) inbox.put(undefined);
  }
}

/**
 * The stops and continuations of a child until its end: waitid(2). Takes a thread of the pool for
 * as long as the child lives, if fewer than 16 do. Where there is none it looks 20 times a second. Any number may ask.
 */
export async function* jobChanges(process: Process): AsyncGenerator<JobChange, void, undefined> {
  const inbox = new Inbox();
  const inboxes = readers.get(process) ?? new Set();
  inboxes.add(inbox);
  if (!readers.has(process)) {
    readers.set(process, inboxes);
    void tellAll(process, inboxes);
  }
  try {
    for (let change = await inbox.take(); change !== undefined; change = await inbox.take()) {
      yield change;
    }
  } finally {
    inboxes.delete(inbox);
  }
}

/** Whether more than one reader follows the changes of a child. */
export function hasOtherReaders(process: Process): boolean {
  return (readers.get(process)?.size ?? 0) > 1;
}
