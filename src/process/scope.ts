/**
 * Signals for more than one process.
 *
 * Every process is signalled by a pidfd that was opened before it was looked at: one that ended
 * meanwhile gets nothing, and neither does another that got its number. Where there is no
 * pidfd_open, those that are not children are looked at right before the signal goes to their
 * number: to reach another, the system would have to come round to that number in between.
 *
 * @module
 */
import { type Dirent, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { attempt, close } from '../syscall/call.js';
import { invalid, unavailable } from '../syscall/check.js';
import { E, SIG } from '../syscall/constants.js';
import { SystemError } from '../syscall/errors.js';
import { Handle } from './handle.js';

/**
 * Which processes a signal is for:
 * - `'process'`: the process itself;
 * - `'group'`: its process group, of which it must be the leader (`processGroup: 0` or `session`);
 * - `'session'`: its session, of which it must be the leader: also groups that a shell made in it;
 * - `'tree'`: it and its descendants, as /proc shows them: children of children whose parent is
 *   still there, and of a process that was started with `stop: { scope: 'tree' }` or `lifetime` also
 *   those that lost their parent or left the session, unless they cleared their environment;
 * - `'cgroup'`: all of the `cgroup` that it was started in, whatever they did.
 */
export type Scope = 'process' | 'group' | 'session' | 'tree' | 'cgroup';

const SCOPES = new Set<Scope>(['process', 'group', 'session', 'tree', 'cgroup']);

/** The scope of an option; `'process'` when there is none. */
export function checkScope(option: string, scope: Scope | undefined): Scope {
  if (scope === undefined) return 'process';
  if (!SCOPES.has(scope)) throw invalid(option, scope, [...SCOPES].join(', '));
  // Who belongs to them is read in /proc.
  const isFound = process.platform === 'linux' || scope === 'process' || scope === 'group';
  if (!isFound) throw unavailable(`The scope '${scope}'`);
  return scope;
}

/** What a process was started as. */
export interface ScopeTarget {
  /** What it is reached by, also after its end. */
  readonly handle: Handle;
  /** Its number may be another's by now. */
  readonly reaped: boolean;
  readonly cgroup?: string | undefined;
  /** What its descendants have in their environment: see `TREE_VARIABLE`. */
  readonly marker?: string | undefined;
}

/** Holds the markers of all trees that a process belongs to, with spaces between them. */
export const TREE_VARIABLE = 'FORKEXEC_TREE';

/** A process as /proc shows it. */
interface Entry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  readonly ended: boolean;
  /** A thread of the kernel, which is nobody's. */
  readonly kernel: boolean;
  /** When it was started, in clock ticks since the system was. */
  readonly started: string;
}

/** Among the flags in /proc/PID/stat. */
const PF_KTHREAD = 0x20_0000;

/** How often the list is gone through for those that were started meanwhile. */
const MAX_PASSES = 100;

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // ended, or not ours to look at
  }
}

/** The fields of /proc/PID/stat behind the name, which may hold anything. */
function fieldsOf(pid: number): string[] {
  const stat = read(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function entryOf(pid: number): Entry | undefined {
  const fields = fieldsOf(pid);
  if (fields.length < 20) return undefined;
  const ended = fields[0] === 'Z' || fields[0] === 'X';
  const [parent, group, session] = fields.slice(1, 4).map(Number) as [number, number, number];
  const kernel = (Number(fields[6]) & PF_KTHREAD) !== 0;
  return { pid, parent, group, session, ended, kernel, started: fields[19] as string };
}

function entries(): Entry[] {
  const list: Entry[] = [];
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    const entry = Number.isInteger(pid) && pid !== process.pid ? entryOf(pid) : undefined;
    if (entry !== undefined) list.push(entry);
  }
  return list;
}

/** How often a process is looked at, and the milliseconds in between, until its execve is over. */
const MAX_LOOKS = 50;
const LOOK_AGAIN = 1;
const nobody = new Int32Array(new SharedArrayBuffer(4));

/**
 * The environment of a process. In the midst of execve(2), for microseconds unless the system is busy,
 * it has none: that is waited for, or the process would not be known.
 */
function environmentOf(pid: number): string {
  let emptyAt: string | undefined;
  let before: string | undefined;
  for (let look = 0; look < MAX_LOOKS; look++) {
    let text: string;
    try {
      text = readFileSync(`/proc/${pid}/environ`, 'latin1');
    } catch {
      return ''; // ended, or not ours to look at
    }
    // A runtime reads it in pieces, and execve begins between two: then the last variable is cut off.
    if (text.endsWith('\0') || (text !== '' && text === before)) return text;
    before = text;
    const fields = fieldsOf(pid);
    const [state, start, end] = [fields[0], fields[47], fields[48]];
    if (end === undefined || state === 'Z' || state === 'X') return '';
    // It is empty at first, and then the kernel counts what is in it: that is over at the next look.
    if (start === end && end !== '0' && emptyAt === start) return '';
    emptyAt = start;
    Atomics.wait(nobody, 0, 0, LOOK_AGAIN);
  }
  return '';
}

/** Whether a process was started by the target, or by one that was, and has not hidden it. */
function isMarked({ pid, ended, kernel }: Entry, { marker }: ScopeTarget): boolean {
  if (marker === undefined || ended || kernel) return false;
  const variables = environmentOf(pid).split('\0');
  const markers = variables.find((each) => each.startsWith(`${TREE_VARIABLE}=`));
  return (
    markers
      ?.slice(TREE_VARIABLE.length + 1)
      .split(' ')
      .includes(marker) ?? false
  );
}

/** Those of a list that are in the tree of a process. */
function treeOf(target: ScopeTarget, list: readonly Entry[]): Entry[] {
  const found = new Set<number>(target.reaped ? [] : [target.handle.pid]);
  for (const entry of list) if (isMarked(entry, target)) found.add(entry.pid);
  // Parents may come behind their children in the list: until nothing new is found.
  for (let before = 0; before !== found.size; ) {
    before = found.size;
    for (const entry of list) if (found.has(entry.parent)) found.add(entry.pid);
  }
  return list.filter((entry) => found.has(entry.pid));
}

/** The processes of a control group and the groups below it. */
function cgroupOf(folder: string): number[] {
  const own = read(join(folder, 'cgroup.procs')).split('\n').filter(Boolean).map(Number);
  let below: Dirent[] = [];
  try {
    below = readdirSync(folder, { withFileTypes: true }).filter((each) => each.isDirectory());
  } catch {
    // removed, and so empty
  }
  return [...own, ...below.flatMap(({ name }) => cgroupOf(join(folder, name)))];
}

/** Those of the control group that have not ended, without this process. */
function cgroupEntries({ cgroup }: ScopeTarget): Entry[] {
  if (cgroup === undefined) {
    const error = new TypeError("the scope 'cgroup' is for a process started with `cgroup`");
    throw Object.assign(error, { code: 'ERR_INVALID_ARG_VALUE' });
  }
  const pids = cgroupOf(cgroup).filter((pid) => pid > 0 && pid !== process.pid);
  return pids.map(entryOf).filter((entry) => entry !== undefined);
}

/**
 * Those of a list that are in the session of a process. Once its leader is reaped the number may be
 * that of a later session; as long as one is left that the leader started, it is not.
 */
function sessionOf(target: ScopeTarget, list: readonly Entry[]): Entry[] {
  const found = list.filter(({ session }) => session === target.handle.pid);
  return target.reaped && !found.some((entry) => isMarked(entry, target)) ? [] : found;
}

/** The members of a scope that have not ended, without this process. */
function members(target: ScopeTarget, scope: Scope): Entry[] {
  if (scope === 'cgroup') return cgroupEntries(target);
  const list = entries();
  const { pid } = target.handle;
  let found: Entry[];
  if (scope === 'group') found = list.filter(({ group }) => group === pid);
  else if (scope === 'session') found = sessionOf(target, list);
  else found = treeOf(target, list);
  return found.filter(({ ended }) => !ended);
}

/** Whether a number still means the process that was looked at, and that is in the scope. */
function isStill(before: Entry, { handle }: ScopeTarget, scope: Scope): boolean {
  const now = entryOf(before.pid);
  // A session and a group of processes are left by nobody but on purpose, and a parent changes only
  // when it ends.
  if (scope === 'session' && now?.session !== handle.pid) return false;
  return now !== undefined && now.started === before.started;
}

/** Sends one signal, unless the process is gone or no member any more. */
function signalMember(entry: Entry, number: number, target: ScopeTarget, scope: Scope): void {
  const { pid } = entry;
  if (pid === target.handle.pid && !target.reaped) {
    if (isStill(entry, target, scope)) target.handle.signal(number);
    return;
  }
  const pidfd = attempt('pidfd_open', pid, 0);
  // Looked at again now that, with a pidfd, the number can't become another's.
  const member = new Handle(pid, pidfd, 'here');
  if (isStill(entry, target, scope)) member.signal(number);
  if (pidfd >= 0) close(pidfd);
}

/**
 * Kills all of a control group at once, what is being forked too: Linux 5.14. False where that can't
 * be, or would kill this process.
 */
function killCgroup(folder: string): boolean {
  if (cgroupOf(folder).includes(process.pid)) return false;
  try {
    writeFileSync(join(folder, 'cgroup.kill'), '1');
    return true;
  } catch {
    return false; // an older kernel, not ours to write, or removed
  }
}

/** Sends a signal to all of a scope but 'process'; false when there was nobody left. */
export function signalScope(target: ScopeTarget, number: number, scope: Scope): boolean {
  if (scope === 'group') return signalGroup(target, number);
  if (scope === 'cgroup' && number === SIG.SIGKILL) {
    const any = members(target, scope).length > 0;
    if (killCgroup(target.cgroup as string)) return any;
  }
  const done = new Set<number>();
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const fresh = members(target, scope).filter(({ pid }) => !done.has(pid));
    if (fresh.length === 0) break;
    for (const entry of fresh) {
      signalMember(entry, number, target, scope);
      done.add(entry.pid);
    }
  }
  return done.size > 0;
}

function signalGroup(target: ScopeTarget, number: number): boolean {
  const { handle } = target;
  const { pid } = handle;
  // What has ended and is not reaped is a member too, and does not count. Looked at before the signal,
  // which may end them.
  const any = !(target.reaped || handle.hasEnded()) || members(target, 'group').length > 0;
  const result = handle.signalGroup(number);
  if (result === 0) return any;
  if (result !== -E.ESRCH) {
    throw new SystemError(handle.reachesGroupByPidfd ? 'pidfd_send_signal' : 'kill', -result);
  }
  // Once it is reaped its number may be another's, whose group says nothing.
  const group = target.reaped ? pid : attempt('getpgid', pid);
  if (group < 0 || group === pid) return false;
  const error = new TypeError(
    `the scope 'group' is for the leader of a group: process ${pid} is in that of ${group}`,
  );
  throw Object.assign(error, { code: 'ERR_INVALID_ARG_VALUE' });
}

/** Whether anybody of a scope is left. */
export function isLeft(target: ScopeTarget, scope: Scope): boolean {
  // By number a zombie that leads no group would be blamed for it: it is only looked.
  if (scope === 'group' && target.handle.reachesGroupByPidfd) return signalGroup(target, 0);
  return members(target, scope).length > 0;
}

/** Sends a signal to all that have a marker, and to their descendants. */
export function signalMarked(marker: string, number: number): void {
  signalScope({ handle: new Handle(0, -1), reaped: true, marker }, number, 'tree');
}
