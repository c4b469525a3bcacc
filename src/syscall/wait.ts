/**
 * Waiting for children: wait4(2) and waitid(2).
 *
 * The kernel returns the status of a child once. So neither function waits for "any child": it
 * could take the status of a child of libuv or of another library, which would then wait forever.
 *
 * @module
 */

import { attempt } from './call.js';
import { checkInt, checkUnsigned, invalid } from './check.js';
import { E, LAYOUT, P, SYS, W } from './constants.js';
import { SystemError } from './errors.js';
import { readStruct } from './layout.js';
import { syscallLater } from './raw.js';
import { type Rusage, readRusage } from './rusage.js';
import { WaitStatus } from './wait-status.js';

export type { StatusPlatform } from './wait-status.js';
export { type Rusage, WaitStatus };

/** The result of wait4(2). */
export interface WaitResult {
  /** The child; 0 with WNOHANG if no child has changed. */
  readonly pid: number;
  /** How the child ended, stopped or was continued. */
  readonly status: WaitStatus;
  /** What the child and those of its children that it awaited used until now. */
  readonly rusage: Rusage;
}

/** The result of waitid(2): the siginfo of a SIGCHLD. */
export interface WaitInfo {
  /** The number of SIGCHLD. */
  readonly signo: number;
  /** What happened: one of `CLD`. */
  readonly code: number;
  /** The child. */
  readonly pid: number;
  /** The real user of the child. */
  readonly uid: number;
  /** The exit code with CLD_EXITED, otherwise the number of the signal. */
  readonly status: number;
  /** What the child and those of its children that it awaited used until now. */
  readonly rusage: Rusage;
}

const ANY_CHILD =
  'a child or a process group that libuv and other libraries have no child in: they would never ' +
  'learn how their children ended (with WNOWAIT, waitid may look at any child)';

/** The group of this process contains children of other libraries too. */
function isOwnGroup(group: number): boolean {
  return group === 0 || group === attempt('getpgid', 0);
}

function checkPid(pid: number): void {
  checkInt('pid', pid);
  if (pid === -1 || (pid <= 0 && isOwnGroup(-pid))) throw invalid('pid', pid, ANY_CHILD);
}

function checkId(idType: number, id: number, options: number): void {
  checkInt('idType', idType);
  checkInt('id', id);
  checkUnsigned('options', options);
  if ((options & W.WNOWAIT) !== 0) return;
  if (idType === P.P_ALL) throw invalid('idType', idType, ANY_CHILD);
  if (idType === P.P_PGID && isOwnGroup(id)) throw invalid('id', id, ANY_CHILD);
}

/** The buffers that the kernel fills in. */
function wait4Buffers(): [status: Int32Array, rusage: Uint8Array] {
  return [new Int32Array(1), new Uint8Array(LAYOUT.rusage.size)];
}

function toResult(pid: number, status: Int32Array, rusage: Uint8Array): WaitResult {
  return { pid, status: new WaitStatus(status[0] as number), rusage: readRusage(rusage) };
}

function waitidBuffers(): [info: Uint8Array, rusage: Uint8Array] {
  return [new Uint8Array(LAYOUT.siginfo.size), new Uint8Array(LAYOUT.rusage.size)];
}

/** Undefined if no child has changed. */
function toInfo(info: Uint8Array, rusage: Uint8Array): WaitInfo | undefined {
  const { signo, code, pid, uid, status } = readStruct(LAYOUT.siginfo, info);
  return pid === 0 ? undefined : { signo, code, pid, uid, status, rusage: readRusage(rusage) };
}

/** Waits off the event loop, and again after EINTR. */
async function waitOffLoop(
  name: 'wait4' | 'waitid',
  ...args: (number | Uint8Array | Int32Array)[]
): Promise<number> {
  for (;;) {
    const { r1, errno } = await syscallLater(SYS[name], ...args);
    if (errno === 0) return Number(r1);
    if (errno !== E.EINTR) throw new SystemError(name, errno);
  }
}

/** Waits on the calling thread, and again after EINTR. */
function waitHere(name: 'wait4' | 'waitid', ...args: (number | Uint8Array | Int32Array)[]): number {
  for (;;) {
    const result = attempt(name, ...args);
    if (result >= 0) return result;
    if (result !== -E.EINTR) throw new SystemError(name, -result);
  }
}

/**
 * Waits until a child has ended, and reaps it; with WUNTRACED or WCONTINUED until it has stopped or
 * was continued. The wait occupies one of the 64 threads of the pool of `syscall`.
 *
 * For children of `forkExec`. This library reaps a `Process` itself, so that a second wait would
 * fail.
 *
 * @param pid a child; -n is any child of the process group n. -1, 0 and the group of this process
 * are refused: a TypeError ERR_INVALID_ARG_VALUE.
 * @param options of `W`: WNOHANG, WUNTRACED, WCONTINUED, `__WALL`. With WNOHANG the pid is 0 if the
 * child has not changed, and the other members have no meaning.
 * @throws SystemError ECHILD if there is no such child or it was reaped elsewhere; EINVAL.
 * @see wait4(2)
 */
export async function wait4(pid: number, options = 0): Promise<WaitResult> {
  checkPid(pid);
  const [status, rusage] = wait4Buffers();
  const flags = checkUnsigned('options', options);
  const found = await waitOffLoop('wait4', pid, status, flags, rusage);
  return toResult(found, status, rusage);
}

/**
 * As `wait4`, on the calling thread: the event loop is blocked until the child changes. With
 * WNOHANG it returns at once, undefined if the child has not changed.
 *
 * @throws SystemError as `wait4`.
 * @see wait4(2)
 */
export function wait4Sync(pid: number, options = 0): WaitResult | undefined {
  checkPid(pid);
  const [status, rusage] = wait4Buffers();
  const found = waitHere('wait4', pid, status, checkUnsigned('options', options), rusage);
  return found === 0 ? undefined : toResult(found, status, rusage);
}

/**
 * Waits for a change of a child as wait4 does, but only for the changes that `options` names. With
 * WNOWAIT the status is not taken, so that a later wait still returns it.
 *
 * @param idType of `P`: P_PID, P_PGID, P_PIDFD. P_ALL, and P_PGID with the group of this process,
 * only with WNOWAIT.
 * @param id a child's pid, a process group, or a pidfd.
 * @param options of `W`, at least one of WEXITED, WSTOPPED and WCONTINUED; WNOHANG, WNOWAIT.
 * @returns undefined with WNOHANG if no child has changed.
 * @throws SystemError ECHILD, EINVAL; EAGAIN for a pidfd with PIDFD_NONBLOCK. TypeError
 * ERR_INVALID_ARG_VALUE for a wait for any child.
 * @see waitid(2)
 */
export async function waitid(
  idType: number,
  id: number,
  options: number,
): Promise<WaitInfo | undefined> {
  checkId(idType, id, options);
  const [info, rusage] = waitidBuffers();
  await waitOffLoop('waitid', idType, id, info, options, rusage);
  return toInfo(info, rusage);
}

/**
 * As `waitid`, on the calling thread: the event loop is blocked until a child changes.
 *
 * @throws SystemError as `waitid`.
 * @see waitid(2)
 */
export function waitidSync(idType: number, id: number, options: number): WaitInfo | undefined {
  checkId(idType, id, options);
  const [info, rusage] = waitidBuffers();
  waitHere('waitid', idType, id, info, options, rusage);
  return toInfo(info, rusage);
}
