/**
 * Processes as /proc shows them, and their numbers in it.
 *
 * @module
 */
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { backend } from '../backend.js';
import { attempt, attemptOpen, close } from '../syscall/call.js';
import { AT, E, O } from '../syscall/constants.js';
import { SystemError } from '../syscall/errors.js';
import { refusalOf } from '../syscall/facilities.js';

/** A process as /proc shows it. */
export interface Entry {
  /** Its number for system calls. */
  readonly pid: number;
  /** Its number in /proc, which may belong to another pid namespace. */
  readonly shown: number;
  /** The number of its parent in /proc. */
  readonly parent: number;
  /** Its process group and its session, as system calls number them. */
  readonly group: number;
  readonly session: number;
  readonly ended: boolean;
  /** A thread of the kernel, which no user has started. */
  readonly kernel: boolean;
  /** When it was started, in clock ticks since the system was. */
  readonly started: string;
  /** What `depthOfProc` returned. */
  readonly depth: number;
}

/** Among the flags in /proc/PID/stat. */
const PF_KTHREAD = 0x20_0000;

/** The content of a file; empty where it can't be read. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // ended, or not ours to look at
  }
}

/** The names in a folder; none where it can't be read. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // ended, or not ours to look at
  }
}

/** Does something with a file or folder; throws a SystemError that names it. */
export function look<T>(path: string, use: (path: string) => T): T {
  try {
    return use(path);
  } catch (error) {
    throw new SystemError('open', Math.abs((error as NodeJS.ErrnoException).errno ?? E.EIO), path);
  }
}

/** The numbers behind a name in /proc/PID/status or /proc/PID/fdinfo/FD. */
function numbersIn(text: string, name: string): number[] {
  const line = new RegExp(`^${name}:(.*)$`, 'm').exec(text)?.[1] ?? '';
  return line.split(/\s+/).filter(Boolean).map(Number);
}

/**
 * A process has a number in each pid namespace from that of /proc down to its own, and NSpid in
 * /proc/PID/status has them in this order. Returns where those of this process' namespace stand: 0
 * where /proc shows the numbers of system calls, which is the rule; more where it belongs to a
 * namespace further out, as after `unshare --pid --fork` without `--mount-proc`.
 *
 * @throws SystemError where there is no /proc, or it is that of a namespace that this process is not
 * in, where it can't be read, and where it takes pidfds to translate its numbers and there are none.
 */
export function depthOfProc(): number {
  const status = look('/proc/self/status', (path) => readFileSync(path, 'latin1'));
  const numbers = numbersIn(status, 'NSpid');
  // Kernels before 4.1 have no such line.
  const known = numbers.length > 0 ? numbers : numbersIn(status, 'Pid');
  if (known.at(-1) !== process.pid) throw new SystemError('open', E.ESRCH, '/proc/self/status');
  const depth = known.length - 1;
  const refusal = depth === 0 ? 0 : refusalOf('pidfd_open');
  if (refusal !== 0) throw new SystemError('pidfd_open', refusal);
  return depth;
}

/** The number in /proc of the process that a pidfd is for; undefined where /proc does not show it. */
function shownBy(pidfd: number): number | undefined {
  const [shown = 0] = numbersIn(read(`/proc/self/fdinfo/${pidfd}`), 'Pid');
  return shown > 0 ? shown : undefined;
}

function shownByNumber(pid: number): number | undefined {
  const pidfd = attemptOpen('pidfd_open', pid, 0);
  if (pidfd < 0) return undefined;
  const shown = shownBy(pidfd);
  close(pidfd);
  return shown;
}

/** The number in /proc of a process; undefined where it can't be told. */
export function shownOf(pid: number): number | undefined {
  try {
    return depthOfProc() === 0 ? pid : shownByNumber(pid);
  } catch {
    return undefined;
  }
}

/** The number for system calls of a process that /proc shows; undefined for one that has none. */
export function numberOf(shown: number, depth: number): number | undefined {
  if (depth === 0) return shown;
  const pid = numbersIn(read(`/proc/${shown}/status`), 'NSpid')[depth];
  // One of another namespace of the same depth may have that number too: the pidfd proves which it is.
  return pid !== undefined && shownByNumber(pid) === shown ? pid : undefined;
}

/** The fields of the file stat in a folder of /proc, behind the name, which may hold anything. */
export function fieldsOf(folder: string): string[] {
  const stat = read(`${folder}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** The state of a process, as proc_pid_stat(5) has it; undefined where that can't be told. */
export function stateOf(pid: number): string | undefined {
  const shown = shownOf(pid);
  return shown === undefined ? undefined : fieldsOf(`/proc/${shown}`)[0];
}

/** The states of threads that have ended. */
export const ENDED: ReadonlySet<string | undefined> = new Set<string | undefined>(['Z', 'X']);

function entryAt(shown: number, depth: number): Entry | undefined {
  const fields = fieldsOf(`/proc/${shown}`);
  if (fields.length < 20) return undefined;
  let [parent, group, session] = fields.slice(1, 4).map(Number) as [number, number, number];
  const pid = numberOf(shown, depth);
  if (pid === undefined) return undefined;
  if (depth > 0) {
    const status = read(`/proc/${shown}/status`);
    group = numbersIn(status, 'NSpgid')[depth] ?? 0;
    session = numbersIn(status, 'NSsid')[depth] ?? 0;
  }
  const kernel = (Number(fields[6]) & PF_KTHREAD) !== 0;
  // The others of its threads may go on after its first.
  const ended = ENDED.has(fields[0]) && Number(fields[17]) <= 1;
  const started = fields[19] as string;
  return { pid, shown, parent, group, session, ended, kernel, started, depth };
}

/** A process by its number for system calls; undefined where /proc does not show it. */
export function entryOf(pid: number): Entry | undefined {
  try {
    const depth = depthOfProc();
    const shown = depth === 0 ? pid : shownByNumber(pid);
    return shown === undefined ? undefined : entryAt(shown, depth);
  } catch {
    return undefined;
  }
}

/** A process as it is now; undefined if it is another by now, or not the one that a pidfd is for. */
export function again({ shown, depth, started }: Entry, pidfd: number): Entry | undefined {
  if (depth > 0 && shownBy(pidfd) !== shown) return undefined;
  const now = entryAt(shown, depth);
  return now?.started === started ? now : undefined;
}

/**
 * All processes but this one that have a number for system calls.
 *
 * @throws SystemError as `depthOfProc`, and where /proc can't be listed.
 */
export function entries(): Entry[] {
  const depth = depthOfProc();
  const list: Entry[] = [];
  for (const name of look('/proc', (path) => readdirSync(path))) {
    const shown = Number(name);
    const entry = Number.isInteger(shown) ? entryAt(shown, depth) : undefined;
    if (entry !== undefined && entry.pid !== process.pid) list.push(entry);
  }
  return list;
}

/** As many numbers are looked at one by one rather than in the list of all processes. */
const FEW = 64;

/**
 * The processes, and threads of these, whose numbers lie above one and up to another.
 *
 * @throws SystemError as `depthOfProc`, and where /proc can't be listed; undefined where /proc has other
 * numbers than system calls.
 */
export function entriesBetween(above: number, last: number): Entry[] | undefined {
  if (depthOfProc() !== 0) return undefined;
  const numbers =
    last - above <= FEW
      ? Array.from({ length: last - above }, (_, index) => above + 1 + index)
      : look('/proc', (path) => readdirSync(path)).map(Number);
  const list = numbers.filter((pid) => pid > above && pid <= last && existsSync(`/proc/${pid}`));
  return list.flatMap((pid) => entryAt(pid, 0) ?? []);
}

/** Whether the kernel lists the children of a process, so that not all processes need be looked at. */
export function listsChildren(): boolean {
  return existsSync('/proc/thread-self/children'); // CONFIG_PROC_CHILDREN
}

/** The numbers in /proc of the children of a process, which belong to its threads. */
function childrenOf(shown: number): number[] {
  const folder = `/proc/${shown}/task`;
  const lists = namesIn(folder).map((thread) => read(`${folder}/${thread}/children`));
  return lists
    .flatMap((list) => list.split(' '))
    .map(Number)
    .filter(Boolean);
}

/**
 * Processes and their descendants, found by `listsChildren`. Those that were seen before are found also
 * when they have lost their parents since.
 *
 * @param seen the start times of processes by their numbers in /proc
 * @throws SystemError as `depthOfProc`.
 */
export function descendants(seen: ReadonlyMap<number, string>): Entry[] {
  const depth = depthOfProc();
  const found = new Map<number, Entry>();
  for (const [shown, started] of seen) {
    const entry = entryAt(shown, depth);
    if (entry?.started === started) found.set(shown, entry);
  }
  // Each is looked at once, also one that is added meanwhile: what goes on forking must be signalled
  // before it is looked at again.
  for (const { shown } of found.values()) {
    for (const child of childrenOf(shown)) {
      const entry = found.has(child) ? undefined : entryAt(child, depth);
      if (entry !== undefined) found.set(child, entry);
    }
  }
  return [...found.values()];
}

const link = Buffer.alloc(16);

/** Whether /proc is there and shows the numbers of this process, as it does as a rule. */
function showsOurNumbers(): boolean {
  if (process.platform !== 'linux' || backend !== 'linux') return false;
  const { AT_FDCWD } = AT;
  const length = attempt('readlinkat', AT_FDCWD, '/proc/self', link, link.length);
  if (length <= 0 || link.toString('latin1', 0, length) !== String(process.pid)) return false;
  const fd = attemptOpen('openat', AT_FDCWD, '/proc', O.O_RDONLY | O.O_DIRECTORY | O.O_CLOEXEC, 0);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

/** Whether `entries` finds the processes of this system. */
export function hasProc(): boolean {
  if (showsOurNumbers()) return true; // each launch asks: without the runtime's fs, which takes longer
  try {
    if (readlinkSync('/proc/self') !== String(process.pid)) depthOfProc();
    look('/proc', (path) => closeSync(openSync(path, 'r'))); // Bun's opendirSync opens nothing yet
    return true;
  } catch {
    return false;
  }
}

/** Where /proc shows what a process has: if its first thread has ended, and so has nothing, another. */
export function folderOf(shown: number): string {
  const folder = `/proc/${shown}`;
  if (fieldsOf(folder)[0] !== 'Z') return folder;
  const threads = namesIn(`${folder}/task`).map((thread) => `${folder}/task/${thread}`);
  return threads.find((thread) => !ENDED.has(fieldsOf(thread)[0])) ?? folder;
}
