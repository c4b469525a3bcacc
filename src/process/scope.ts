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
import { attempt, attemptOpen, close } from '../syscall/call.js';
import { argumentError, invalid, unavailable } from '../syscall/check.js';
import { E, SIG } from '../syscall/constants.js';
import { SystemError } from '../syscall/errors.js';
import { cgroupOf, killCgroup, type Member } from './cgroup.js';
import { Handle } from './handle.js';
import { markedOf } from './markers.js';
import {
  again,
  descendants,
  type Entry,
  entries,
  entriesBetween,
  entryOf,
  listsChildren,
} from './proc.js';

/**
 * Which processes a signal is for:
 * - `'process'`: the process itself;
 * - `'group'`: its process group, of which it must be the leader (`processGroup: 0` or `session`);
 * - `'session'`: its session, of which it must be the leader: also groups that a shell made in it;
 * - `'tree'`: it and its descendants, as /proc shows them: those whose parents are still there, or
 *   were when the tree was first signalled; and of a process that was started with
 *   `stop: { scope: 'tree' }` or `lifetime` also those that had lost their parent before, unless they
 *   cleared their environment;
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

function notLeader(scope: Scope, pid: number, its: number): TypeError {
  const name = scope === 'group' ? 'process group' : scope;
  return argumentError(
    `the scope '${scope}' needs the leader of a ${name}: ${pid} belongs to ${scope} ${its}`,
  );
}

/** What a process was started as. */
export interface ScopeTarget {
  /** What it is reached by, also after its end. */
  readonly handle: Handle;
  /** Its number may be another's by now. */
  readonly reaped: boolean;
  readonly cgroup?: string | undefined;
  /** What its descendants have in their environment: see `TREE_VARIABLE` in markers.ts. */
  readonly marker?: string | undefined;
  /** Those of its tree that were found, which `scope.ts` keeps: start times by numbers in /proc. */
  readonly seen?: Map<number, string>;
}

interface Members {
  readonly found: readonly Member[];
  /** Whether there are others of which it could not be told. */
  readonly untold: boolean;
}

/** How often the list is gone through for those that were started meanwhile. */
const MAX_PASSES = 100;

/**
 * How often those are looked at again of whom it can't be told whether they belong to a tree, a
 * millisecond apart: so long at most the event loop waits for the execve of another.
 */
const LOOKS_FOR_SIGNAL = 10;

/** As /proc shows it. */
function memberOf(entry: Entry): Member {
  const isStill = (pidfd: number): boolean => again(entry, pidfd)?.session === entry.session;
  return { pid: entry.pid, isStill };
}

/**
 * Members as /proc shows them. The process itself is one as long as it is not reaped, also where it is
 * hidden from this user.
 */
function membersOf(target: ScopeTarget, list: readonly Entry[], untold = false): Members {
  const { handle, reaped } = target;
  const isItself = ({ pid }: Entry): boolean => pid === handle.pid && !reaped;
  const found = list.filter((entry) => !entry.ended && !isItself(entry)).map(memberOf);
  if (!reaped && !handle.hasEnded()) found.unshift({ pid: handle.pid, isStill: () => true });
  return { found, untold };
}

/** What was seen of a tree and is still there, and the process itself. */
function rootsOf({ handle, reaped, seen }: ScopeTarget): Map<number, string> {
  const roots = new Map(seen);
  const entry = reaped ? undefined : entryOf(handle.pid);
  if (entry !== undefined) roots.set(entry.shown, entry.started);
  return roots;
}

/**
 * The tree of a process: it, its descendants, and of all these those that were seen before and have lost
 * their parents since. With a marker also those that had lost them before.
 */
function treeOf(target: ScopeTarget, looks: number): Members {
  const roots = rootsOf(target);
  const list = target.marker === undefined && listsChildren() ? descendants(roots) : entries();
  const marked = markedOf(list, target.marker, looks);
  const found = new Set(marked.entries);
  for (const entry of list) if (roots.get(entry.shown) === entry.started) found.add(entry);
  const parents = new Set([...found].map(({ shown }) => shown));
  // Parents may come behind their children in the list: until nothing new is found.
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const entry of list) {
      if (!parents.has(entry.parent)) continue;
      found.add(entry);
      parents.add(entry.shown);
    }
  }
  target.seen?.clear();
  for (const { shown, started } of found) target.seen?.set(shown, started);
  return membersOf(target, [...found], marked.untold);
}

/**
 * Those of a list that are in the session of a process. Once its leader is reaped the number may be
 * that of a later session; as long as one is left that the leader started, it is not.
 */
function sessionOf(target: ScopeTarget, list: readonly Entry[], looks: number): Members {
  const { pid } = target.handle;
  const found = list.filter(({ session }) => session === pid);
  if (!target.reaped) {
    const session = attempt('getsid', pid);
    if (session >= 0 && session !== pid) throw notLeader('session', pid, session);
    return membersOf(target, found);
  }
  const { entries: mine, untold } = markedOf(found, target.marker, looks);
  return membersOf(target, mine.length > 0 ? found : [], untold && mine.length === 0);
}

/** The members of a scope, without this process. Throws a SystemError where that can't be told. */
function members(target: ScopeTarget, scope: Scope, looks: number): Members {
  const { pid } = target.handle;
  if (scope === 'tree') return treeOf(target, looks);
  if (scope === 'session') return sessionOf(target, entries(), looks);
  if (scope === 'group')
    return membersOf(
      target,
      entries().filter(({ group }) => group === pid),
    );
  if (target.cgroup === undefined) {
    throw argumentError("the scope 'cgroup' needs a process started with the option 'cgroup'");
  }
  const found = cgroupOf(target.cgroup).filter((member) => member.pid !== process.pid);
  return { found, untold: false };
}

/** Sends one signal, unless the process is gone. The errno if the process itself can't be signalled. */
function signalMember({ pid, isStill }: Member, number: number, target: ScopeTarget): number {
  if (pid === target.handle.pid && !target.reaped) {
    const errno = -target.handle.signal(number);
    return errno === E.ESRCH ? 0 : errno;
  }
  const pidfd = attemptOpen('pidfd_open', pid, 0);
  // Looked at again now that, with a pidfd, the number can't become another's.
  const member = new Handle(pid, pidfd, 'here');
  if (isStill(pidfd)) member.signal(number);
  if (pidfd >= 0) close(pidfd);
  return 0;
}

/** Signals the members of a scope, and those that are started meanwhile; whether there were any. */
function signalMembers(target: ScopeTarget, number: number, scope: Scope): boolean {
  const { found } = members(target, scope, LOOKS_FOR_SIGNAL);
  const kills = number === SIG.SIGKILL;
  if (scope === 'cgroup' && kills && killCgroup(target.cgroup as string)) return found.length > 0;
  // What is forked between a look at a process and its end loses its parent, and nothing else tells
  // whose it is: a process that is stopped does not fork.
  const hasToStop = scope === 'tree' && kills && target.marker === undefined;
  if (hasToStop) signalMembers(target, SIG.SIGSTOP, scope);
  const done = new Set<number>();
  let refusal = 0;
  let fresh = hasToStop ? members(target, scope, 0).found : found;
  for (let pass = 1; fresh.length > 0; pass++) {
    for (const member of fresh) {
      refusal ||= signalMember(member, number, target);
      done.add(member.pid);
    }
    if (pass === MAX_PASSES) break;
    const now = members(target, scope, LOOKS_FOR_SIGNAL).found;
    fresh = now.filter(({ pid }) => !done.has(pid));
  }
  if (refusal > 0) throw new SystemError('pidfd_send_signal', refusal);
  return done.size > 0;
}

/**
 * Sends a signal to all of a scope but 'process'; false when there was nobody left.
 *
 * @throws SystemError where it can't be told who belongs to the scope: the process itself is signalled
 * all the same.
 */
export function signalScope(target: ScopeTarget, number: number, scope: Scope): boolean {
  if (scope === 'group') return signalGroup(target, number);
  try {
    return signalMembers(target, number, scope);
  } catch (error) {
    if (error instanceof SystemError && !target.reaped) target.handle.signal(number);
    throw error;
  }
}

/** Whether a group has members that have not ended; true where that can't be told. */
function hasGroup(target: ScopeTarget): boolean {
  try {
    return members(target, 'group', 0).found.length > 0;
  } catch {
    return true;
  }
}

function signalGroup(target: ScopeTarget, number: number): boolean {
  const { handle } = target;
  const { pid } = handle;
  // What has ended and is not reaped is a member too, and does not count. Looked at before the signal,
  // which may end them.
  const any = !(target.reaped || handle.hasEnded()) || hasGroup(target);
  const result = handle.signalGroup(number);
  if (result === 0) return any;
  if (result !== -E.ESRCH) {
    throw new SystemError(handle.reachesGroupByPidfd ? 'pidfd_send_signal' : 'kill', -result);
  }
  // Once it is reaped its number may be another's, whose group says nothing.
  const group = target.reaped ? pid : attempt('getpgid', pid);
  if (group < 0 || group === pid) return false;
  throw notLeader('group', pid, group);
}

/**
 * Whether anybody of a scope is left once the process itself has ended, or there is one of whom that
 * can't be told now; false where it can't be told of anybody.
 */
export function isLeft(target: ScopeTarget, scope: Scope): boolean {
  // By number a zombie that leads no group would be blamed for it: it is only looked.
  if (scope === 'group' && target.handle.reachesGroupByPidfd) return signalGroup(target, 0);
  try {
    const { found, untold } = members(target, scope, 1);
    return found.length > 0 || untold;
  } catch {
    return false;
  }
}

/** Whether among the processes with numbers above one and up to another any may have a marker. */
export function mayBeOf(marker: string | undefined, above: number, last: number): boolean {
  const list = entriesBetween(above, last);
  if (list === undefined) return true;
  const { entries: found, untold } = markedOf(list, marker, 0);
  return found.length > 0 || untold;
}

/** Sends a signal to all that have a marker, and to their descendants; false when there were none. */
export function signalMarked(marker: string, number: number): boolean {
  return signalScope({ handle: new Handle(0, -1), reaped: true, marker }, number, 'tree');
}
