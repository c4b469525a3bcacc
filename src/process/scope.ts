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
import { type Dirent, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { attempt, close } from '../syscall/call.js';
import { argumentError, invalid, unavailable } from '../syscall/check.js';
import { E, SIG } from '../syscall/constants.js';
import { SystemError } from '../syscall/errors.js';
import { Handle } from './handle.js';
import { type Entry, entries, entryOf, type Marked, markedOf, read } from './proc.js';

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
  if (!SCOPES.has(scope)) throw invalid(option, scope, `one of ${[...SCOPES].join(', ')}`);
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
  /** What its descendants have in their environment: see `TREE_VARIABLE` in proc.ts. */
  readonly marker?: string | undefined;
}

/** How often the list is gone through for those that were started meanwhile. */
const MAX_PASSES = 100;

/**
 * How often those are looked at again of whom it can't be told whether they belong to a tree, a
 * millisecond apart: so long at most the event loop waits for the execve of another.
 */
const LOOKS_FOR_SIGNAL = 10;

/** Those of a list that are in the tree of a process. */
function treeOf(target: ScopeTarget, list: readonly Entry[], looks: number): Marked {
  const marked = markedOf(list, target.marker, looks);
  const found = new Set<number>(marked.entries.map(({ pid }) => pid));
  if (!target.reaped) found.add(target.handle.pid);
  // Parents may come behind their children in the list: until nothing new is found.
  for (let before = 0; before !== found.size; ) {
    before = found.size;
    for (const entry of list) if (found.has(entry.parent)) found.add(entry.pid);
  }
  return { entries: list.filter((entry) => found.has(entry.pid)), untold: marked.untold };
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
    throw argumentError("the scope 'cgroup' needs a process started with the option 'cgroup'");
  }
  const pids = cgroupOf(cgroup).filter((pid) => pid > 0 && pid !== process.pid);
  return pids.map(entryOf).filter((entry) => entry !== undefined);
}

/**
 * Those of a list that are in the session of a process. Once its leader is reaped the number may be
 * that of a later session; as long as one is left that the leader started, it is not.
 */
function sessionOf(target: ScopeTarget, list: readonly Entry[], looks: number): Marked {
  const found = list.filter(({ session }) => session === target.handle.pid);
  if (!target.reaped) return { entries: found, untold: false };
  const { entries, untold } = markedOf(found, target.marker, looks);
  return entries.length > 0 ? { entries: found, untold: false } : { entries, untold };
}

/** The members of a scope that have not ended, without this process. */
function members(target: ScopeTarget, scope: Scope, looks: number): Marked {
  const { pid } = target.handle;
  let found: Marked;
  if (scope === 'tree') found = treeOf(target, entries(), looks);
  else if (scope === 'session') found = sessionOf(target, entries(), looks);
  else if (scope === 'cgroup') found = { entries: cgroupEntries(target), untold: false };
  else found = { entries: entries().filter(({ group }) => group === pid), untold: false };
  return { ...found, entries: found.entries.filter(({ ended }) => !ended) };
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
    const any = members(target, scope, 0).entries.length > 0;
    if (killCgroup(target.cgroup as string)) return any;
  }
  const done = new Set<number>();
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const { entries } = members(target, scope, LOOKS_FOR_SIGNAL);
    const fresh = entries.filter(({ pid }) => !done.has(pid));
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
  const any =
    !(target.reaped || handle.hasEnded()) || members(target, 'group', 0).entries.length > 0;
  const result = handle.signalGroup(number);
  if (result === 0) return any;
  if (result !== -E.ESRCH) {
    throw new SystemError(handle.reachesGroupByPidfd ? 'pidfd_send_signal' : 'kill', -result);
  }
  // Once it is reaped its number may be another's, whose group says nothing.
  const group = target.reaped ? pid : attempt('getpgid', pid);
  if (group < 0 || group === pid) return false;
  throw argumentError(
    `the scope 'group' needs the leader of a process group: ${pid} belongs to group ${group}`,
  );
}

/** Whether anybody of a scope is left, or there is one of whom that can't be told now. */
export function isLeft(target: ScopeTarget, scope: Scope): boolean {
  // By number a zombie that leads no group would be blamed for it: it is only looked.
  if (scope === 'group' && target.handle.reachesGroupByPidfd) return signalGroup(target, 0);
  const { entries, untold } = members(target, scope, 1);
  return entries.length > 0 || untold;
}

/** Sends a signal to all that have a marker, and to their descendants. */
export function signalMarked(marker: string, number: number): void {
  signalScope({ handle: new Handle(0, -1), reaped: true, marker }, number, 'tree');
}
